// sleep SECONDS: sleeps (a fraction is allowed) and exits 0. It computes nothing meanwhile.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv) {
    double seconds = argc == 2 ? strtod(argv[1], NULL) : -1;
    if (!(seconds >= 0)) {
        fputs("usage: sleep SECONDS\n", stderr);
        return 2;
    }
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    if (nanosleep(&t, NULL) < 0) {
        fprintf(stderr, "sleep: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}
