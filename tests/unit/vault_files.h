/* The files that a vault opens: keys that are no secret. */
#ifndef LANEWAY_TESTS_VAULT_FILES_H
#define LANEWAY_TESTS_VAULT_FILES_H

#include "folder.h"

static inline void vault_files(const char *dir)
{
	folder_put(dir, "device-box.key",
	           "-----BEGIN PRIVATE KEY-----\n"
	           "MC4CAQAwBQYDK2VuBCIEIERERERERERERERERERERERERERERERERERERERERERE\n"
	           "-----END PRIVATE KEY-----\n",
	           0600);
	/* The public half of the box key above stands in for HQ's. */
	folder_put(dir, "hq-box.pub",
	           "-----BEGIN PUBLIC KEY-----\n"
	           "MCowBQYDK2VuAyEA/y7kVgHsG2cxDHeQQEWFrmlzMe7hwfjPJBlzHB//Pms=\n"
	           "-----END PUBLIC KEY-----\n",
	           0600);
	folder_put(dir, "hq-sign.pub",
	           "-----BEGIN PUBLIC KEY-----\n"
	           "MCowBQYDK2VwAyEAyFOtDwzSthmuqSzuxP1Wok1kmdWEznklfkXP2BObYKc=\n"
	           "-----END PUBLIC KEY-----\n",
	           0600);
	folder_put(dir, "device-sign.key",
	           "-----BEGIN PRIVATE KEY-----\n"
	           "MC4CAQAwBQYDK2VwBCIEIEVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVF\n"
	           "-----END PRIVATE KEY-----\n",
	           0600);
	folder_put(dir, "tls.key", "-", 0600);
	folder_put(dir, "tls.crt", "-", 0600);
	folder_put(dir, "ca.crt", "-", 0600);
}

#endif
