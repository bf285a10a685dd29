// crash: traps in the ways that C can, some calls deep. Built with debug information and without a libc, so that a trap's lines
// can be told: tests name the lines below.
#define EXPORT(name) __attribute__((export_name(name)))
#define OWN_FRAME __attribute__((noinline))

static int table[4] = {1, 2, 3, 4};

static inline int quotient(int a, int b) {
    return a / b; // line 9: traps when b is 0
}

OWN_FRAME static int mean(int count) {
    int sum = 0;
    for (int i = 0; i < 4; i++) sum += table[i];
    return quotient(sum, count); // line 15: inlined here
}

OWN_FRAME static int element(int *volatile at) {
    return *at; // line 19: traps when it points nowhere
}

// The mean of four numbers, as if there were `count` of them.
EXPORT("average") int average(int count) {
    return mean(count) + 1; // line 24
}

// Reads far beyond the memory.
EXPORT("stray") int stray(void) {
    return element((int *)0xfffffff0u) + 1; // line 29
}

EXPORT("give_up") void give_up(void) {
    table[0] = 0;
    __builtin_trap(); // line 34
}
