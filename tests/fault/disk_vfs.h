/* SQLite's files on the disk. */
#ifndef LANEWAY_TESTS_DISK_VFS_H
#define LANEWAY_TESTS_DISK_VFS_H

#include <stddef.h>
#include <stdint.h>

/* From here on SQLite opens files through the disk that is installed. Once per process. */
void disk_vfs_register(void);

/* Randomness that is the same from the same seed, for whoever asks in this process: the programs'
 * own ids and keys as well, so that a run can be played again. */
void disk_random_seed(uint64_t seed);
void disk_random(void *out, size_t n);

#endif
