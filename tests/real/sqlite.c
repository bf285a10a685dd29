// SQLite's command line at its smallest: `sqlite [DATABASE]` runs the SQL on stdin and prints each row as sqlite3 would,
// columns joined by `|`. Without DATABASE, one in memory. DATABASE may be a URI.
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static int row(void *unused, int columns, char **values, char **names) {
    (void)unused, (void)names;
    for (int i = 0; i < columns; i++) {
        printf("%s%s", i ? "|" : "", values[i] ? values[i] : "");
    }
    putchar('\n');
    return 0;
}

static char *everything(FILE *from) {
    size_t held = 0, room = 4096;
    char *text = malloc(room);
    while (text) {
        held += fread(text + held, 1, room - held - 1, from);
        if (held < room - 1) {
            text[held] = 0;
            break;
        }
        text = realloc(text, room *= 2);
    }
    return text;
}

int main(int argc, char **argv) {
    char *sql = everything(stdin), *message = NULL;
    sqlite3 *db;
    if (!sql) {
        fputs("sqlite: no memory for the SQL\n", stderr);
        return 1;
    }
    int how = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    if (sqlite3_open_v2(argc > 1 ? argv[1] : ":memory:", &db, how, NULL) || sqlite3_exec(db, sql, row, NULL, &message)) {
        fprintf(stderr, "sqlite: %s\n", message ? message : sqlite3_errmsg(db));
        return 1;
    }
    sqlite3_close(db);
    return 0;
}
