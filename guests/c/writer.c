// writer PATH NBYTES: writes NBYTES bytes to PATH and says so; exit status 1 and the error otherwise.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: writer PATH NBYTES\n", stderr);
        return 2;
    }
    unsigned long long size = strtoull(argv[2], NULL, 10), done = 0;
    int out = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (out < 0) {
        fprintf(stderr, "writer: cannot open %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    static char block[64 * 1024];
    memset(block, 'x', sizeof block);
    while (done < size) {
        size_t want = size - done < sizeof block ? (size_t)(size - done) : sizeof block;
        ssize_t put = write(out, block, want);
        if (put < 0) {
            fprintf(stderr, "writer: cannot write %s after %llu bytes: %s\n", argv[1], done, strerror(errno));
            return 1;
        }
        done += put;
    }
    if (close(out) < 0) {
        fprintf(stderr, "writer: cannot close %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    printf("wrote %llu bytes to %s\n", done, argv[1]);
    return 0;
}
