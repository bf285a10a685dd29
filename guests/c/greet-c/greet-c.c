// A plug-in in C, of the world in ../../wit/greet. The header is generated from it: ../../rust/componentize-c.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "greeter.h"

// How often somebody is greeted at most.
enum { MOST = 5 };

static const char *const HELLO[] = {
    [AMBIT_GREET_TYPES_LANGUAGE_ENGLISH] = "Hello",
    [AMBIT_GREET_TYPES_LANGUAGE_GERMAN] = "Guten Tag",
    [AMBIT_GREET_TYPES_LANGUAGE_GREEK] = "Γεια σου",
};

static void put(greeter_string_t *text, const void *bytes, size_t len) {
    uint8_t *grown = realloc(text->ptr, text->len + len);
    if (!grown) abort();
    memcpy(grown + text->len, bytes, len);
    text->ptr = grown;
    text->len += len;
}

static void put_once(greeter_string_t *text, const greeter_person_t *who) {
    const char *hello = HELLO[who->language.is_some ? who->language.val : AMBIT_GREET_TYPES_LANGUAGE_ENGLISH];
    put(text, hello, strlen(hello));
    put(text, ", ", 2);
    for (size_t i = 0; i < who->titles.len; i++) {
        put(text, who->titles.ptr[i].ptr, who->titles.ptr[i].len);
        put(text, " ", 1);
    }
    put(text, who->name.ptr, who->name.len);
    put(text, "!", 1);
}

// How many scalar values UTF-8 has: the bytes that begin one.
static uint32_t characters(const greeter_string_t *text) {
    uint32_t count = 0;
    for (size_t i = 0; i < text->len; i++) count += (text->ptr[i] & 0xc0) != 0x80;
    return count;
}

static bool refuse(const greeter_person_t *who, uint8_t times, greeter_greet_error_t *error) {
    if (who->name.len == 0) {
        error->tag = AMBIT_GREET_TYPES_GREET_ERROR_NAMELESS;
        return true;
    }
    if (times > MOST) {
        error->tag = AMBIT_GREET_TYPES_GREET_ERROR_TOO_OFTEN;
        error->val.too_often = MOST;
        return true;
    }
    return false;
}

bool exports_greeter_greet(greeter_person_t *who, uint8_t times, greeter_greeting_t *greeting, greeter_greet_error_t *error) {
    bool refused = refuse(who, times, error);
    if (!refused) {
        *greeting = (greeter_greeting_t){0};
        for (int i = 0; i < times; i++) {
            if (i) put(&greeting->text, " ", 1);
            put_once(&greeting->text, who);
        }
        greeting->characters = characters(&greeting->text);
    }
    // Arguments belong to whoever is called.
    greeter_person_free(who);
    return !refused;
}

bool exports_wasi_cli_run_run(void) {
    return puts("hello from C") >= 0 && fflush(stdout) == 0;
}
