/* What the plain programs of tests/mpi are written with. Every rank counts what
 * it finds wrong; the sum decides the exit status of all. */
#ifndef RANKS_H
#define RANKS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <furrow/mpi.h>

extern int rank, ranks, wrong;

#define CHECK(condition) check((condition), __FILE__, __LINE__, #condition)
#define CHECK_STATUS(call, want) check_status((call), (want), __FILE__, __LINE__, #call)
/* `word` is somewhere in `text`. */
#define CHECK_SAYS(text, word) check_says((text), (word), __FILE__, __LINE__)

bool check(bool holds, const char *file, int line, const char *claim);
bool check_status(furrow_status got, furrow_status want, const char *file, int line, const char *claim);
bool check_says(const char *text, const char *word, const char *file, int line);

/* A config that names mpi and allows no other. */
furrow_config on_mpi(void);

double now(void);
/* Keeps a task busy or asleep for so long. */
void spend(double seconds);

/* furrow_mpi_init() with a message where it fails; sets rank and ranks. */
void begin(int *argc, char ***argv);
/* The sum over all ranks, furrow_mpi_finalize(), and the exit status. */
int end(void);

#endif
