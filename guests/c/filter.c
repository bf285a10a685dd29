// filter TEXT: copies the lines of standard input that contain TEXT.
// Exit status as grep's: 0 when a line matched, 1 when none did, 2 when it could not be done.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: filter TEXT\n", stderr);
        return 2;
    }
    char *line = NULL;
    size_t room = 0;
    int matched = 0;
    while (getline(&line, &room, stdin) >= 0) {
        if (!strstr(line, argv[1])) continue;
        matched = 1;
        fputs(line, stdout);
    }
    if (ferror(stdin) || fflush(stdout)) {
        fprintf(stderr, "filter: %s\n", strerror(errno));
        return 2;
    }
    return !matched;
}
