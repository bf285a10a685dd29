// cpu matmul|sha|sort|mix [N]: computes, and prints a checksum that is the same on every engine.
// The kernels are exported too, so that a benchmark can call them without a process around them.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))

// Not `rand`: the sequence must be ours on every machine.
static uint32_t next(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

// N×N doubles times N×N doubles: tight nested loops, where the cost of a check in a back edge shows.
EXPORT("matmul") int32_t matmul(int32_t n) {
    if (n <= 0 || n > 2048) return -1;
    size_t count = (size_t)n * n;
    double *a = malloc(3 * count * sizeof *a);
    if (!a) return -1;
    double *b = a + count, *c = b + count;
    uint32_t seed = 1;
    for (size_t i = 0; i < 2 * count; i++) a[i] = next(&seed) % 1000;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }
    uint32_t check = 0;
    for (size_t i = 0; i < count; i++) check = check * 31 + (uint32_t)(uint64_t)c[i];
    free(a);
    return (int32_t)check;
}

static uint32_t rotr(uint32_t x, int by) { return x >> by | x << (32 - by); }

// One block of SHA-256 (FIPS 180-4, section 6.2.2).
static void sha256_block(uint32_t h[8], const unsigned char *block) {
    static const uint32_t K[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] + (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +
                      K[i] + w[i];
        uint32_t t2 = (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += s[i];
}

// The first word of SHA-256 over N KiB of zeros: straight-line integer arithmetic.
EXPORT("sha") int32_t sha(int32_t n) {
    if (n <= 0) return -1;
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    unsigned char block[64] = {0};
    for (int64_t left = (int64_t)n * 16; left > 0; left--) sha256_block(h, block);
    uint64_t bits = (uint64_t)n * 1024 * 8;
    block[0] = 0x80;
    for (int i = 0; i < 8; i++) block[56 + i] = (unsigned char)(bits >> (56 - 8 * i));
    sha256_block(h, block);
    return (int32_t)h[0];
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// Sorts N thousand numbers: indirect calls and unpredictable branches.
EXPORT("sort") int32_t sort(int32_t n) {
    if (n <= 0 || n > 10000) return -1;
    size_t count = (size_t)n * 1000;
    uint32_t *v = malloc(count * sizeof *v), seed = 7, check = 0;
    if (!v) return -1;
    for (size_t i = 0; i < count; i++) v[i] = next(&seed);
    qsort(v, count, sizeof *v, ascending);
    for (size_t i = 0; i < count; i++) check = check * 31 + v[i];
    free(v);
    return (int32_t)check;
}

// N million steps through a 1 MiB table, each step's address hanging on the last: memory, multiply, branch.
EXPORT("mix") int32_t mix(int32_t n) {
    if (n <= 0) return -1;
    static uint32_t table[1 << 18];
    uint32_t seed = 3, x = 1;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) table[i] = next(&seed);
    for (int64_t left = (int64_t)n * 1000000; left > 0; left--) {
        uint32_t *cell = &table[x >> 14];
        x = x * 2654435761u + *cell;
        if (x & 64) *cell = x ^ *cell >> 3;
        else x ^= x >> 15;
    }
    return (int32_t)x;
}

static const struct {
    const char *name;
    int32_t (*run)(int32_t);
    int32_t n; // about a tenth of a second, natively compiled
} kernels[] = {{"matmul", matmul, 384}, {"sha", sha, 20000}, {"sort", sort, 1000}, {"mix", mix, 20}};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof kernels / sizeof *kernels; i++) {
        if (strcmp(argv[1], kernels[i].name)) continue;
        int32_t n = argc > 2 ? atoi(argv[2]) : kernels[i].n;
        printf("%s %d: %08x\n", kernels[i].name, n, (unsigned)kernels[i].run(n));
        return 0;
    }
    fputs("usage: cpu matmul|sha|sort|mix [N]\n", stderr);
    return 2;
}
