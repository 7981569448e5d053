/* The handwritten digits: how far apart their images are, which digit each
 * shows, and how they are dealt into folds. */
#ifndef GRIDSEARCH_DIGITS_H
#define GRIDSEARCH_DIGITS_H

enum { DIGITS_IMAGES = 1797, DIGITS_PIXELS = 64, DIGITS_FOLDS = 5 };

/* Read-only once made, so that any number of workers may look at it. */
struct digits {
    double *label;    /* owned: DIGITS_IMAGES digits 0 ... 9 */
    double *distance; /* owned: DIGITS_IMAGES^2 squared Euclidean distances between images whose
                       * pixels are scaled to 0 ... 1; both triangles */
};

/* A fold: consecutive images that are held out of the training. */
struct digits_fold {
    int first, count;
};

/* Reads a file of one image a line, 64 pixels 0 ... 16 and the digit, separated
 * by commas, and computes the distances. Returns 0; or -1 after a sentence on
 * standard error, `out` untouched. digits_fini() frees what it made. */
int digits_init(const char *path, struct digits *out);
void digits_fini(struct digits *digits);

/* Fold 0 ... DIGITS_FOLDS - 1. In file order; sizes differ by at most one, the
 * larger ones first. */
struct digits_fold digits_fold(int fold);

#endif
