// clock: prints both clocks in seconds and 16 random bytes in hex. Shows what the clock and random grants do.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void show(const char *name, clockid_t id) {
    struct timespec t;
    if (clock_gettime(id, &t) < 0) printf("%s %s\n", name, strerror(errno));
    else printf("%s %lld.%09ld\n", name, (long long)t.tv_sec, t.tv_nsec);
}

int main(void) {
    unsigned char bytes[16];
    show("realtime", CLOCK_REALTIME);
    show("monotonic", CLOCK_MONOTONIC);
    if (getentropy(bytes, sizeof bytes) < 0) {
        fprintf(stderr, "clock: cannot get random bytes: %s\n", strerror(errno));
        return 1;
    }
    fputs("random ", stdout);
    for (size_t i = 0; i < sizeof bytes; i++) printf("%02x", bytes[i]);
    putchar('\n');
    return 0;
}
