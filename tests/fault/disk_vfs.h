/* SQLite's files on the disk. */
#ifndef LANEWAY_TESTS_DISK_VFS_H
#define LANEWAY_TESTS_DISK_VFS_H

/* From here on SQLite opens files through the disk that is installed. Once per process. */
void disk_vfs_register(void);

#endif
