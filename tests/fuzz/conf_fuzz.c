/* A configuration file, the store's and HQ's: whatever stands in it, it is read whole or refused
 * with one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"
#include "flow/flow.h"
#include "hq/base/hq_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as_hq(const char *path)
{
	char err[512] = "";
	struct hq_conf *c = NULL;

	if (hq_conf_read(path, &c, err, sizeof err) == 0) {
		if (!c->data[0] || strlen(c->currency) != 3 || c->broker_port < 1)
			abort();
	} else if (!err[0] || strchr(err, '\n')) {
		abort();
	}
	hq_conf_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32], err[512] = "";
	struct conf *c = NULL;
	int fd = memfd_create("conf", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (conf_read(path, &c, err, sizeof err) == 0) {
		if (c->lane_count < 1 || !c->store[0] || strlen(c->currency) != 3)
			abort();
		(void)flow_check(c, err, sizeof err);
	} else if (!err[0]) {
		abort();
	}
	if (strchr(err, '\n'))
		abort();
	conf_free(c);
	if (lseek(fd, 0, SEEK_SET) != 0)
		abort();
	read_as_hq(path);
	close(fd);
	return 0;
}
