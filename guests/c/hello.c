// Prints one line. The smallest program that shows that a guest ran.
#include <stdio.h>

int main(void) {
    puts("hello, world");
    return 0;
}
