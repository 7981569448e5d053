/* The C streams of a process worker: a copy of the program's, with whatever the
 * program had not written out yet.
 *
 * Buffers of other libraries (Fortran units, C++ streams not synchronised with
 * C's) are not reached: docs/fork.md says what to do about them. */
#ifndef FW_PRINTING_H
#define FW_PRINTING_H

/* Child side, while it has one thread: empties the output buffers, which are
 * the program's to write. What was read ahead stays. */
void fw_printing_forget(void);

/* Writes out what the streams hold: 40 ns where they hold nothing. */
void fw_printing_flush(void);

#endif
