/* Values of customers where only some of them may be seen. */
#ifndef LANEWAY_HQ_SECRET_H
#define LANEWAY_HQ_SECRET_H

#include "identity/ident.h"

#define HQ_SECRET_SIZE IDENT_VALUE_SIZE

/* An identifier as it may stand in a list: "a***@e******.com", "+4*********95". */
void hq_secret_mask(const char *value, char out[HQ_SECRET_SIZE]);

#endif
