/* Functions that mean the same in another process of the same program.
 *
 * A function is an offset in a module: the program, or a shared library. A
 * module is known by its build-id, or, where the linker wrote none, by a hash
 * of its executable segments. */
#ifndef FW_MPI_IDENTITY_H
#define FW_MPI_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

enum { FW_MODULE_ID = 20, FW_MODULE_NAME = 64 };

/* Plain bytes, to be sent and compared as a whole. */
struct fw_identity {
    uint64_t offset;                 /* in the module; 0 with set == 0 */
    unsigned char id[FW_MODULE_ID];
    uint32_t set;                    /* 0: no function */
    char module[FW_MODULE_NAME];     /* last part of its file's name, for messages; "" the program */
};

typedef void fw_function(void);

/* The identity of a function of this process; NULL gives the empty one. False:
 * its module is not known to the dynamic linker. */
bool fw_identity_of(fw_function *function, struct fw_identity *out);

/* The function in this process; NULL: no loaded module has this id. */
fw_function *fw_identity_find(const struct fw_identity *identity);

/* The same function, or both none. */
bool fw_identity_same(const struct fw_identity *a, const struct fw_identity *b);

#endif
