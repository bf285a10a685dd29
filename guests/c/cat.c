// cat [FILE…]: copies the files, or standard input when none is named, to standard output.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int copy(int in, const char *name) {
    static char block[64 * 1024];
    for (;;) {
        ssize_t got = read(in, block, sizeof block);
        if (got == 0) return 0;
        if (got < 0) {
            fprintf(stderr, "cat: cannot read %s: %s\n", name, strerror(errno));
            return 1;
        }
        // A host may take less than it was offered.
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(1, block + done, got - done);
            if (put < 0) {
                fprintf(stderr, "cat: cannot write: %s\n", strerror(errno));
                return 1;
            }
            done += put;
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 2) return copy(0, "standard input");
    int status = 0;
    for (int i = 1; i < argc; i++) {
        int in = open(argv[i], O_RDONLY);
        if (in < 0) {
            fprintf(stderr, "cat: cannot open %s: %s\n", argv[i], strerror(errno));
            status = 1;
            continue;
        }
        status |= copy(in, argv[i]);
        close(in);
    }
    return status;
}
