#include "replies.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

/* Regions start on whole pages of any size in use, so that each can be mapped
 * and punched out by itself. */
enum { REGION = 64 * 1024 };

bool fw_replies_open(struct fw_replies *replies, bool shared)
{
    replies->shared = shared;
    replies->fd = -1;
    atomic_init(&replies->end, 0);
    atomic_init(&replies->untaken, 0);
    if (shared)
        replies->fd = memfd_create("furrow-replies", MFD_CLOEXEC);
    return !shared || replies->fd >= 0;
}

void fw_replies_close(struct fw_replies *replies)
{
    if (replies->fd >= 0)
        (void)close(replies->fd);
    replies->fd = -1;
}

static bool write_all(int fd, const char *data, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t n = pwrite(fd, data, size, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

static uint64_t region(size_t size)
{
    return ((uint64_t)size + REGION - 1) / REGION * REGION;
}

static bool store(struct fw_replies *replies, struct fw_reply *reply, const void *data, size_t size)
{
    if (size == 0)
        return true;
    if (replies->shared) {
        reply->offset = atomic_fetch_add(&replies->end, region(size));
        return write_all(replies->fd, data, size, reply->offset);
    }
    reply->copy = fw_malloc(size);
    if (reply->copy != NULL)
        memcpy(reply->copy, data, size);
    return reply->copy != NULL;
}

bool fw_replies_give(struct fw_replies *replies, struct fw_reply *reply, const void *data, size_t size)
{
    fw_replies_drop(replies, reply);
    if (!store(replies, reply, data, size))
        return false;
    reply->size = size;
    reply->given = true;
    atomic_fetch_add(&replies->untaken, size);
    return true;
}

const void *fw_replies_take(struct fw_replies *replies, struct fw_reply *reply)
{
    if (!reply->given || reply->size == 0 || !replies->shared)
        return reply->copy;
    if (reply->copy == NULL) {
        void *p = mmap(NULL, reply->size, PROT_READ, MAP_SHARED, replies->fd, (off_t)reply->offset);
        reply->copy = p != MAP_FAILED ? p : NULL;
    }
    return reply->copy;
}

void fw_replies_drop(struct fw_replies *replies, struct fw_reply *reply)
{
    if (!reply->given)
        return;
    if (!replies->shared) {
        fw_free(reply->copy);
    } else if (reply->size > 0) {
        if (reply->copy != NULL)
            (void)munmap(reply->copy, reply->size);
        (void)fallocate(replies->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        (off_t)reply->offset, (off_t)region(reply->size));
    }
    atomic_fetch_sub(&replies->untaken, reply->size);
    *reply = (struct fw_reply){ 0 };
}
