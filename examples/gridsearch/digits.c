#include "digits.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lapack.h"
#include "memory.h"

static const double pixel_max = 16.0, label_max = 9.0;

/* -- Reading ------------------------------------------------------------ */

/* One image and its label; false: the line is no such thing. */
static bool parse_image(const char *line, double *image, double *label)
{
    for (int i = 0; i <= DIGITS_PIXELS; i++) {
        bool is_label = i == DIGITS_PIXELS;
        char *end;
        double value = strtod(line, &end);

        if (end == line || *end != (is_label ? '\n' : ','))
            return false;
        if (!(value >= 0.0 && value <= (is_label ? label_max : pixel_max)))
            return false;
        if (is_label)
            *label = value;
        else
            image[i] = value / pixel_max;
        line = end + 1;
    }
    return true;
}

static int read_lines(FILE *file, const char *path, double *images, double *labels)
{
    char line[1024];
    int read = 0;

    for (; fgets(line, sizeof line, file) != NULL; read++) {
        if (read < DIGITS_IMAGES &&
            parse_image(line, images + (size_t)read * DIGITS_PIXELS, &labels[read]))
            continue;
        fprintf(stderr,
                "gridsearch: %s, line %d: expected %d lines of %d pixels 0-16 and a digit\n", path,
                read + 1, DIGITS_IMAGES, DIGITS_PIXELS);
        return -1;
    }
    if (read == DIGITS_IMAGES)
        return 0;
    fprintf(stderr, "gridsearch: %s ends after %d of %d images\n", path, read, DIGITS_IMAGES);
    return -1;
}

/* Images into the columns of `images`. */
static int read_file(const char *path, double *images, double *labels)
{
    FILE *file = fopen(path, "r");
    int rc;

    if (file == NULL) {
        fprintf(stderr, "gridsearch: cannot open %s: %s; --data DIR says where it is\n", path,
                strerror(errno));
        return -1;
    }
    rc = read_lines(file, path, images, labels);
    fclose(file);
    return rc;
}

/* -- Distances ---------------------------------------------------------- */

/* ||x - z||^2 = x'x + z'z - 2 x'z from all scalar products at once. Exact:
 * pixels are multiples of 1/16, so no sum is ever rounded. */
static void measure(const double *images, double *distance)
{
    const int n = DIGITS_IMAGES, pixels = DIGITS_PIXELS;
    const double one = 1.0, zero = 0.0;
    double square[DIGITS_IMAGES];

    dsyrk_("L", "T", &n, &pixels, &one, images, &pixels, &zero, distance, &n, 1, 1);
    for (size_t i = 0; i < DIGITS_IMAGES; i++)
        square[i] = distance[i + i * DIGITS_IMAGES];
    for (size_t j = 0; j < DIGITS_IMAGES; j++)
        for (size_t i = j; i < DIGITS_IMAGES; i++) {
            double *lower = &distance[i + j * DIGITS_IMAGES];

            *lower = square[i] + square[j] - 2.0 * *lower;
            distance[j + i * DIGITS_IMAGES] = *lower;
        }
}

/* -- All of it ---------------------------------------------------------- */

int digits_init(const char *path, struct digits *out)
{
    struct digits digits = { .label = matrix_create(DIGITS_IMAGES, 1),
                             .distance = matrix_create(DIGITS_IMAGES, DIGITS_IMAGES) };
    double *images = matrix_create(DIGITS_PIXELS, DIGITS_IMAGES);
    int rc = -1;

    if (images == NULL || digits.label == NULL || digits.distance == NULL)
        fputs("gridsearch: not enough memory for the digits and their distances\n", stderr);
    else
        rc = read_file(path, images, digits.label);
    if (rc == 0) {
        measure(images, digits.distance);
        *out = digits;
    } else {
        digits_fini(&digits);
    }
    free(images);
    return rc;
}

void digits_fini(struct digits *digits)
{
    free(digits->label);
    free(digits->distance);
    *digits = (struct digits){ 0 };
}

struct digits_fold digits_fold(int fold)
{
    int each = DIGITS_IMAGES / DIGITS_FOLDS, larger = DIGITS_IMAGES % DIGITS_FOLDS;

    return (struct digits_fold){ .first = fold * each + (fold < larger ? fold : larger),
                                 .count = each + (fold < larger) };
}
