/*
 * Three regions one after another: head (a buf that grows to OUTPUT_HEAD_MAX and then stays),
 * file (what the ring had to give up, in pieces of SPILL_PIECE), ring (the newest bytes).
 *
 *      0 ... HEAD_MAX ... HEAD_MAX + spilled ... (dropped) ... ring_from ... total
 *
 * The ring's size is a whole number of pieces and pieces leave it whole, so that a piece never
 * wraps and goes to the file in one pwrite(). It is made when the head is full: a small command
 * costs its bytes and nothing more.
 */
#include "session/command/output.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SPILL_PIECE    ((size_t)128 * 1024)
#define RING_SIZE      (OUTPUT_TAIL_MAX + SPILL_PIECE)
#define SPILL_ALL_MAX  ((uint64_t)1024 * 1024 * 1024) /* bytes of all outputs' files together */
#define SPILL_FREE_MIN ((uint64_t)256 * 1024 * 1024)  /* bytes that we leave free on that disk */
#define SPILL_LOOK_EVERY \
        ((uint64_t)16 * 1024 * 1024) /* bytes between two looks at the free space */

#define RAW_PARTIAL_MAX (64 * 1024) /* bytes; what a longer line has more shows when it ends */

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* File scope, because the limit is the process's: every output spills to the same disk. */
static uint64_t spilled_by_all;

struct output {
        struct buf head;
        uint8_t *ring;      /* NULL: not needed yet, or settled into the file */
        uint64_t ring_from; /* offset of its first byte */
        uint64_t total;
        int spill_fd;
        uint64_t spilled; /* bytes in the file */
        bool spill_ended; /* the file takes no more */
        struct buf partial;
        struct buf raw_partial;          /* as the worker told it; only with a redactor */
        const struct redactor *redactor; /* not ours; NULL: none */
        struct redactor_stream *stream;  /* NULL: no secret is known yet */
        uint8_t pending[4]; /* beginning of a character whose rest has not come yet */
        size_t pending_len;
};

struct output *output_new(void)
{
        struct output *output = xcalloc(1, sizeof *output);

        buf_init(&output->head, OUTPUT_HEAD_MAX);
        buf_init(&output->partial, OUTPUT_PARTIAL_MAX * 3); /* each bad byte becomes three */
        buf_init(&output->raw_partial, RAW_PARTIAL_MAX);
        output->ring_from = OUTPUT_HEAD_MAX;
        output->spill_fd = -1;
        return output;
}

static void forget_raw_partial(struct output *output)
{
        if (output->raw_partial.data != NULL)
                secret_wipe(output->raw_partial.data, output->raw_partial.cap);
        buf_reset(&output->raw_partial);
}

void output_free(struct output *output)
{
        if (output == NULL)
                return;
        spilled_by_all -= output->spilled;
        if (output->spill_fd >= 0)
                (void)close(output->spill_fd); /* unlinked: nothing is left to be lost */
        free(output->ring);
        buf_fini(&output->head);
        buf_fini(&output->partial);
        forget_raw_partial(output);
        buf_fini(&output->raw_partial);
        redactor_stream_free(output->stream);
        free(output);
}

void output_set_redactor(struct output *output, const struct redactor *redactor)
{
        output->redactor = redactor;
}

static int open_spill_file(void)
{
        const char *dir = getenv("TMPDIR");

        if (dir == NULL || dir[0] != '/')
                dir = "/tmp";
        if (fault_hit())
                return -1;
#ifdef O_TMPFILE
        int unnamed = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
        if (unnamed >= 0)
                return unnamed;
#endif
        char *path = xasprintf("%s/mcp-ssh-session.XXXXXX", dir);
        int fd = mkstemp(path);
        if (fd >= 0) {
                (void)unlink(path); /* at worst an empty name stays behind */
                (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
        free(path);
        return fd;
}

static bool disk_has_room(int fd)
{
        struct statvfs disk;

        return fstatvfs(fd, &disk) == 0
               && (uint64_t)disk.f_bavail * disk.f_frsize >= SPILL_FREE_MIN;
}

static bool may_spill(struct output *output, size_t len)
{
        if (output->spill_ended || len > OUTPUT_SPILL_MAX - output->spilled
            || len > SPILL_ALL_MAX - spilled_by_all)
                return false;
        if (output->spill_fd < 0 && (output->spill_fd = open_spill_file()) < 0) {
                log_warn("no temporary file for long output: %s", strerror(errno));
                return false;
        }
        return output->spilled % SPILL_LOOK_EVERY != 0 || disk_has_room(output->spill_fd);
}

static bool write_all_at(int fd, const uint8_t *bytes, size_t len, uint64_t offset)
{
        while (len > 0) {
                ssize_t n = pwrite(fd, bytes, len, (off_t)offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0 || fault_hit())
                        return false;
                bytes += n;
                len -= (size_t)n;
                offset += (uint64_t)n;
        }
        return true;
}

/* Moves the ring's first len bytes (they do not wrap) to the file. */
static bool spill_first(struct output *output, size_t len)
{
        const uint8_t *piece = output->ring + (output->ring_from - OUTPUT_HEAD_MAX) % RING_SIZE;

        if (!may_spill(output, len) || !write_all_at(output->spill_fd, piece, len, output->spilled))
                return false;
        output->spilled += len;
        spilled_by_all += len;
        output->ring_from += len;
        return true;
}

/* Makes room for one piece; what the file does not take is dropped, from then on for good. */
static void give_up_first(struct output *output)
{
        if (spill_first(output, SPILL_PIECE))
                return;
        output->spill_ended = true;
        output->ring_from += SPILL_PIECE;
}

static void append_to_ring(struct output *output, const uint8_t *bytes, size_t len)
{
        if (output->ring == NULL)
                output->ring = xcalloc(1, RING_SIZE);
        while (len > 0) {
                size_t used = (size_t)(output->total - output->ring_from);
                if (used == RING_SIZE) {
                        give_up_first(output);
                        continue;
                }
                size_t at = (size_t)((output->total - OUTPUT_HEAD_MAX) % RING_SIZE);
                size_t n = RING_SIZE - used < RING_SIZE - at ? RING_SIZE - used : RING_SIZE - at;
                if (n > len)
                        n = len;
                memcpy(output->ring + at, bytes, n);
                output->total += n;
                bytes += n;
                len -= n;
        }
}

static void append_valid(struct output *output, const void *bytes, size_t len)
{
        size_t room = OUTPUT_HEAD_MAX - output->head.len;
        size_t first = len < room ? len : room;

        if (len == 0)
                return;
        if (first > 0 && !buf_append(&output->head, bytes, first))
                bug("no memory for %zu bytes of output", first);
        output->total += first;
        if (len > first)
                append_to_ring(output, (const uint8_t *)bytes + first, len - first);
}

/* How many bytes at the start are ASCII; eight at a time, because most output is nothing else. */
static size_t ascii_len(const uint8_t *bytes, size_t len)
{
        size_t n = 0;
        uint64_t eight;

        for (; len - n >= sizeof eight; n += sizeof eight) {
                memcpy(&eight, bytes + n, sizeof eight);
                if ((eight & 0x8080808080808080u) != 0)
                        break;
        }
        while (n < len && bytes[n] < 0x80)
                n++;
        return n;
}

static size_t valid_len(const uint8_t *bytes, size_t len, enum utf8_result *out_result,
                        size_t *out_step)
{
        size_t good = ascii_len(bytes, len);

        *out_result = UTF8_VALID;
        while (good < len
               && (*out_result = utf8_next(bytes + good, len - good, out_step)) == UTF8_VALID) {
                good += *out_step;
                if (good < len && bytes[good] < 0x80)
                        good += ascii_len(bytes + good, len - good);
        }
        return good;
}

/* Completes a character that began in an earlier append; returns how many bytes it took. */
static size_t append_pending(struct output *output, const uint8_t *bytes, size_t len)
{
        size_t taken = 0;
        size_t step;

        while (output->pending_len > 0 && taken < len) {
                output->pending[output->pending_len++] = bytes[taken++];
                switch (utf8_next(output->pending, output->pending_len, &step)) {
                case UTF8_INCOMPLETE: continue;
                case UTF8_VALID: append_valid(output, output->pending, step); break;
                case UTF8_INVALID:
                        append_valid(output, replacement, sizeof replacement - 1);
                        taken--; /* the newest byte is the one that did not fit: look at it again */
                        break;
                }
                output->pending_len = 0;
        }
        return taken;
}

static void append_repaired(void *arg, const void *bytes, size_t len)
{
        struct output *output = arg;
        const uint8_t *at = bytes;
        size_t step = 0;
        enum utf8_result result;

        if (output->ring == NULL && output->total > OUTPUT_HEAD_MAX)
                return; /* settled: nothing comes after the end */
        size_t taken = append_pending(output, at, len);
        at += taken;
        len -= taken;
        while (len > 0) {
                size_t good = valid_len(at, len, &result, &step);
                append_valid(output, at, good);
                at += good;
                len -= good;
                if (len == 0)
                        return;
                if (result == UTF8_INCOMPLETE) {
                        memcpy(output->pending, at, len);
                        output->pending_len = len;
                        return;
                }
                append_valid(output, replacement, sizeof replacement - 1);
                at += step;
                len -= step;
        }
}

/* NULL: no secret is known. */
static struct redactor_stream *stream_of(struct output *output)
{
        if (output->stream == NULL && !redactor_is_empty(output->redactor))
                output->stream = redactor_stream_new(output->redactor);
        return output->stream;
}

void output_append(struct output *output, const void *bytes, size_t len)
{
        struct redactor_stream *stream = stream_of(output);

        if (stream != NULL)
                redactor_stream_feed(stream, (struct str){ bytes, len }, append_repaired, output);
        else
                append_repaired(output, bytes, len);
}

static void show_partial(struct output *output, const uint8_t *at, size_t len)
{
        if (len > OUTPUT_PARTIAL_MAX) {
                at += len - OUTPUT_PARTIAL_MAX;
                len = OUTPUT_PARTIAL_MAX;
                while (len > 0 && (*at & 0xC0) == 0x80) { /* begin with a whole character */
                        at++;
                        len--;
                }
        }
        buf_reset(&output->partial);
        if (len == 0)
                return;
        (void)str_utf8_repair(&output->partial, at, len); /* has room: three bytes for each */
}

static void append_to_buf(void *arg, const void *bytes, size_t len)
{
        (void)buf_append(arg, bytes, len); /* full: the rest of a long line is not shown yet */
}

void output_set_partial(struct output *output, const void *bytes, size_t len)
{
        const struct redactor_stream *stream = stream_of(output);
        struct buf shown;

        if (stream == NULL) {
                show_partial(output, bytes, len);
                return;
        }
        forget_raw_partial(output);
        append_to_buf(&output->raw_partial, bytes, len);
        buf_init(&shown, RAW_PARTIAL_MAX * 4);
        redactor_stream_peek(stream, buf_str(&output->raw_partial), append_to_buf, &shown);
        show_partial(output, shown.data, shown.len);
        buf_fini(&shown);
}

void output_keep_partial(struct output *output)
{
        struct buf *from = output->stream != NULL ? &output->raw_partial : &output->partial;
        struct buf kept = *from;

        buf_init(from, kept.max);
        if (kept.len > 0)
                output_append(output, kept.data, kept.len);
        if (kept.data != NULL)
                secret_wipe(kept.data, kept.cap);
        buf_fini(&kept);
}

unsigned output_redactions(const struct output *output)
{
        return output->stream != NULL ? redactor_stream_count(output->stream) : 0;
}

void output_settle(struct output *output)
{
        if (output->stream != NULL)
                redactor_stream_finish(output->stream, append_repaired, output);
        buf_reset(&output->partial);
        forget_raw_partial(output);
        output->pending_len = 0;
        if (output->ring == NULL)
                return;
        while (output->ring_from < output->total) {
                uint64_t left = output->total - output->ring_from;
                if (!spill_first(output, left < SPILL_PIECE ? (size_t)left : SPILL_PIECE))
                        return; /* the tail stays in memory */
        }
        free(output->ring);
        output->ring = NULL;
}

uint64_t output_total(const struct output *output)
{
        return output->total;
}

uint64_t output_dropped(const struct output *output)
{
        return output->ring_from - (OUTPUT_HEAD_MAX + output->spilled);
}

struct str output_partial(const struct output *output)
{
        return buf_str(&output->partial);
}

static size_t read_file(const struct output *output, uint64_t at, uint8_t *out, size_t len)
{
        ssize_t n;

        do {
                n = pread(output->spill_fd, out, len, (off_t)at);
        } while (n < 0 && errno == EINTR);
        return n > 0 ? (size_t)n : 0;
}

static size_t smaller(uint64_t a, size_t b)
{
        return a < b ? (size_t)a : b;
}

/* One region's worth; 0 at the end of everything. */
static size_t read_some(const struct output *output, uint64_t offset, uint8_t *out, size_t len)
{
        uint64_t file_end = OUTPUT_HEAD_MAX + output->spilled;

        if (offset >= output->total)
                return 0;
        if (offset < output->head.len) {
                len = smaller(output->head.len - offset, len);
                memcpy(out, output->head.data + offset, len);
                return len;
        }
        if (offset < file_end)
                return read_file(output, offset - OUTPUT_HEAD_MAX, out,
                                 smaller(file_end - offset, len));
        if (offset < output->ring_from)
                return 0; /* dropped: the caller steps over it only at the start of a read */
        size_t at = (size_t)((offset - OUTPUT_HEAD_MAX) % RING_SIZE);
        len = smaller(output->total - offset, len);
        len = smaller(RING_SIZE - at, len);
        memcpy(out, output->ring + at, len);
        return len;
}

size_t output_read(struct output *output, uint64_t offset, void *out, size_t len,
                   uint64_t *out_skipped)
{
        uint64_t file_end = OUTPUT_HEAD_MAX + output->spilled;
        size_t done = 0;
        size_t n;

        *out_skipped = 0;
        if (offset >= file_end && offset < output->ring_from) {
                *out_skipped = output->ring_from - offset;
                offset = output->ring_from;
        }
        while (done < len
               && (n = read_some(output, offset, (uint8_t *)out + done, len - done)) > 0) {
                done += n;
                offset += n;
        }
        return done;
}
