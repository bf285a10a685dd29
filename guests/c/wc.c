// wc [FILE…]: lines, words and bytes of each file, or of standard input when none is named.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int count(FILE *in, const char *name) {
    unsigned long lines = 0, words = 0, bytes = 0;
    int c, in_word = 0;
    while ((c = getc(in)) != EOF) {
        bytes++;
        lines += c == '\n';
        words += !isspace(c) && !in_word;
        in_word = !isspace(c);
    }
    if (ferror(in)) {
        fprintf(stderr, "wc: cannot read %s: %s\n", name, strerror(errno));
        return 1;
    }
    printf("%lu %lu %lu %s\n", lines, words, bytes, name);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 2) return count(stdin, "-");
    int status = 0;
    for (int i = 1; i < argc; i++) {
        FILE *in = fopen(argv[i], "rb");
        if (!in) {
            fprintf(stderr, "wc: cannot open %s: %s\n", argv[i], strerror(errno));
            status = 1;
            continue;
        }
        status |= count(in, argv[i]);
        fclose(in);
    }
    return status;
}
