/* Places to be in, as data: an environment, a host and a tree of files. */
#ifndef TEST_SITE_H
#define TEST_SITE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/site.h"

enum { SITE_FILES = 16, SITE_VARIABLES = 16 };

/* Paths start with '/'; variables are "NAME=value". */
struct place {
    const char *host;
    const char *variable[SITE_VARIABLES];
    struct {
        const char *path, *text;
    } file[SITE_FILES];
};

static inline const char *place_get(const char *name, void *data)
{
    const struct place *place = data;
    const size_t length = strlen(name);

    for (int i = 0; i < SITE_VARIABLES && place->variable[i] != NULL; i++)
        if (strncmp(place->variable[i], name, length) == 0 && place->variable[i][length] == '=')
            return place->variable[i] + length + 1;
    return NULL;
}

/* Makes the folders of a path under `root`, and the file. */
static inline void place_file(const char *root, const char *path, const char *text)
{
    char full[1024];
    FILE *file;

    (void)snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        (void)mkdir(full, 0700);
        *slash = '/';
    }
    file = fopen(full, "w");
    cr_assert_not_null(file, "%s", full);
    cr_assert(fputs(text, file) >= 0 && fclose(file) == 0);
}

/* A site with the place's files under a folder of its own; `root`: 64 bytes. */
static inline struct fw_site place_open(const struct place *place, char root[64])
{
    (void)strcpy(root, "/tmp/furrow-site-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    for (int i = 0; i < SITE_FILES && place->file[i].path != NULL; i++)
        place_file(root, place->file[i].path, place->file[i].text);
    return (struct fw_site){ place_get, (void *)place, place->host != NULL ? place->host : "here", root };
}

static inline void place_close(const char *root)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -r '%s'", root);
    cr_assert_eq(system(command), 0);
}

#endif
