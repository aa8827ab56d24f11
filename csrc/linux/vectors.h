/* Job: how a guest tells the kernel of several buffers: readv(2), recvmsg(2), sendmmsg(2).
 * State: none. Invariant: laid out as the kernel's struct iovec, struct msghdr and struct mmsghdr. */
#ifndef DBT_LINUX_VECTORS_H
#define DBT_LINUX_VECTORS_H

#include "core/base.h"

typedef struct dbt_vector {
    u64 guest_start;
    u64 size_bytes;
} dbt_vector;

#define DBT_VECTORS_MOST 1024u /* UIO_MAXIOV */

typedef struct dbt_message {
    u64 guest_name;
    u32 name_bytes;
    u32 padding;
    u64 guest_vectors;
    u64 vector_count;
    u64 guest_control;
    u64 control_bytes;
    u64 flags;
    u64 length; /* of a mmsghdr alone */
} dbt_message;

#define DBT_MESSAGE_BYTES 56u
#define DBT_MESSAGE_ENTRY_BYTES 64u

#endif
