#include "costs.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { WHY = 200 };

static const struct {
    const char *name;
    size_t at;
} names[] = {
    { "claim", offsetof(struct costs, claim) }, { "steal", offsetof(struct costs, steal) },
    { "look", offsetof(struct costs, look) },   { "job", offsetof(struct costs, job) },
    { "round", offsetof(struct costs, round) }, { "handle", offsetof(struct costs, handle) },
    { "byte", offsetof(struct costs, byte) },   { "latency", offsetof(struct costs, latency) },
};

enum { NAMES = sizeof names / sizeof *names };

bool costs_set(struct costs *costs, const char *name, double value)
{
    if (!isfinite(value) || value < 0)
        return false;
    for (int i = 0; i < NAMES; i++)
        if (strcmp(names[i].name, name) == 0) {
            memcpy((char *)costs + names[i].at, &value, sizeof value);
            return true;
        }
    return false;
}

static bool read_lines(FILE *file, const char *path, struct costs *costs, char *why)
{
    char line[256], name[64];
    int number = 0, known = 0;
    double value;

    while (fgets(line, sizeof line, file) != NULL) {
        number++;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (sscanf(line, "%63s %lf", name, &value) != 2 || !costs_set(costs, name, value)) {
            (void)snprintf(why, WHY, "%.80s:%d: no \"name<tab>nanoseconds\" of a known cost", path,
                           number);
            return false;
        }
        known++;
    }
    if (known < NAMES)
        (void)snprintf(why, WHY, "%.80s has %d costs of %d; make it with bench/scale/calibrate",
                       path, known, NAMES);
    return known >= NAMES;
}

bool costs_read(const char *path, struct costs *costs, char *why)
{
    FILE *file = fopen(path, "r");
    bool good;

    if (file == NULL) {
        (void)snprintf(why, WHY, "%.80s cannot be read; make it with bench/scale/calibrate", path);
        return false;
    }
    good = read_lines(file, path, costs, why);
    (void)fclose(file);
    return good;
}
