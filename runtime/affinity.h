/* The CPUs that this process was started with, and others. */
#ifndef FW_AFFINITY_H
#define FW_AFFINITY_H

#include <hwloc.h>
#include <stdbool.h>

/* Writes OS indices to `out`: the union of OpenMP's places where OpenMP binds
 * its threads, since libgomp then shrinks the main thread's affinity to one CPU
 * before any of our code runs; else the main thread's affinity. *places: which
 * of the two. False where neither can be told; `out` unspecified then. */
bool fw_affinity(hwloc_bitmap_t out, bool *places);

/* Binds the main thread to these OS indices, and the calling one where its mask
 * was the main one's; threads that they start inherit them. All others keep
 * theirs, and so does a calling thread that was bound to something else. False:
 * the system refused, or has not all of them. */
bool fw_affinity_set(const int *os, int n);

#endif
