/* Golomb-Rice codes in two planes: the quotients in unary, one set bit after as many clear ones, and the k low bits of each number.
   The first bit of a byte is its highest. Every number i has the parameter k[i / block]; k is at most 32. */
#include <stdint.h>
#include <string.h>

enum { STRETCH = 512 }; /* numbers that the nearest cache holds: first their quotients, then their remainders */

static inline uint64_t highest_first(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t load_bits(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return highest_first(word);
}

static inline uint64_t mirrored(uint64_t word) { /* the first bit of the first byte becomes the lowest */
    word = (word >> 32) | (word << 32);
    word = (word >> 16 & 0x0000ffff0000ffffu) | (word & 0x0000ffff0000ffffu) << 16;
    word = (word >> 8 & 0x00ff00ff00ff00ffu) | (word & 0x00ff00ff00ff00ffu) << 8;
    word = (word >> 4 & 0x0f0f0f0f0f0f0f0fu) | (word & 0x0f0f0f0f0f0f0f0fu) << 4;
    word = (word >> 2 & 0x3333333333333333u) | (word & 0x3333333333333333u) << 2;
    return (word >> 1 & 0x5555555555555555u) | (word & 0x5555555555555555u) << 1;
}

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* The bits that both planes need. Returns a negative number if one of u is. */
int64_t rice_size(const int64_t *u, int64_t n, const int64_t *k, int64_t block, int64_t *unary_bits, int64_t *remainder_bits) {
    int64_t unary = n, remainder = 0, signs = 0;
    for (int64_t first = 0, b = 0; first < n; first += block, b++) {
        const int64_t last = smaller(first + block, n);
        for (int64_t i = first; i < last; i++) unary += (int64_t)((uint64_t)u[i] >> k[b]), signs |= u[i];
        remainder += (last - first) * k[b];
    }
    *unary_bits = unary, *remainder_bits = remainder;
    return signs;
}

typedef struct {
    uint8_t *bytes;   /* where the next byte goes */
    uint64_t waiting; /* bits that wait for their byte, from the top */
    int bits;         /* how many wait, fewer than 8 */
} Plane;

/* Writes the lowest `some` bits of a number that has no higher ones; at most 56. */
static inline void append(Plane *plane, uint64_t low, int some) {
    const uint64_t word = plane->waiting | low << (63 - plane->bits - some) << 1;
    const uint64_t stored = highest_first(word);
    memcpy(plane->bytes, &stored, sizeof stored);
    const int filled = plane->bits + some;
    plane->bytes += filled >> 3;
    plane->waiting = word << (filled & ~7); /* at most 56 */
    plane->bits = filled & 7;
}

static void append_quotients(Plane *plane, const int64_t *u, int64_t n, int width) {
    int64_t i = 0;
    while (i < n) {
        const uint64_t *v = (const uint64_t *)u + i;
        uint64_t a = v[0] >> width, b, c, d;
        if (i + 4 <= n && (a | (b = v[1] >> width) | (c = v[2] >> width) | (d = v[3] >> width)) < 13) { /* four at once: 52 bits at most */
            const uint64_t one = 1;
            append(plane, one | one << (d + 1) | one << (c + d + 2) | one << (b + c + d + 3), (int)(a + b + c + d + 4));
            i += 4;
        } else {
            for (; a >= 48; a -= 48) append(plane, 0, 48);
            append(plane, 1, (int)a + 1);
            i++;
        }
    }
}

static void append_remainders(Plane *plane, const int64_t *u, int64_t n, int width) {
    const uint64_t *v = (const uint64_t *)u, mask = ((uint64_t)1 << width) - 1;
    int64_t i = 0;
    for (; width <= 7 && i + 8 <= n; i += 8) { /* as many at once as 56 bits hold */
        uint64_t low = 0;
        for (int j = 0; j < 8; j++) low = low << width | (v[i + j] & mask);
        append(plane, low, 8 * width);
    }
    for (; width <= 14 && i + 4 <= n; i += 4) {
        uint64_t low = 0;
        for (int j = 0; j < 4; j++) low = low << width | (v[i + j] & mask);
        append(plane, low, 4 * width);
    }
    for (; i < n; i++) append(plane, v[i] & mask, width);
}

/* Both planes have 8 bytes more than their bits fill. */
void rice_encode(const int64_t *u, int64_t n, const int64_t *k, int64_t block, uint8_t *unary, uint8_t *remainders) {
    Plane quotients = {unary, 0, 0}, low_bits = {remainders, 0, 0};
    for (int64_t first = 0, b = 0; first < n; first += block, b++) {
        const int64_t last = smaller(first + block, n);
        for (int64_t start = first; start < last; start += STRETCH) {
            const int64_t some = smaller(STRETCH, last - start);
            append_quotients(&quotients, u + start, some, (int)k[b]);
            append_remainders(&low_bits, u + start, some, (int)k[b]);
        }
    }
    append(&quotients, 0, 0), append(&low_bits, 0, 0); /* where nothing was written, the last byte */
}

/* Returns how many bits n quotients take of the given number of bytes, -1 where these end too early. The plane has 8 bytes more, all zero. */
int64_t rice_unary_bits(const uint8_t *unary, int64_t bytes, int64_t n) {
    int64_t left = n, byte = 0;
    if (n == 0) return 0;
    for (; byte < bytes; byte += 8) {
        const int here = __builtin_popcountll(load_bits(unary + byte));
        if (here >= left) break;
        left -= here;
    }
    if (byte >= bytes) return -1;
    uint64_t word = mirrored(load_bits(unary + byte));
    while (--left) word &= word - 1; /* clears the first bit that is set */
    return 8 * byte + __builtin_ctzll(word) + 1;
}

typedef struct {
    const uint8_t *bytes; /* of the word that is being read */
    uint64_t word;        /* its bits that are still to be read, the first one lowest */
    int64_t base, after;  /* where the word begins, and where the next quotient does */
} Quotients;

/* Reads the next n quotients, at most STRETCH. */
static void read_quotients(Quotients *from, int64_t *u, int64_t n, int width) {
    int64_t ones[STRETCH], found = 0;
    while (found < n) {
        if (!from->word) from->bytes += 8, from->base += 64, from->word = mirrored(load_bits(from->bytes));
        const int64_t end = smaller(found + __builtin_popcountll(from->word), n);
        for (; found < end; found++, from->word &= from->word - 1) ones[found] = from->base + __builtin_ctzll(from->word);
    }
    u[0] = (ones[0] - from->after) << width;
    for (int64_t i = 1; i < n; i++) u[i] = (ones[i] - ones[i - 1] - 1) << width;
    from->after = ones[n - 1] + 1;
}

/* Adds the next n remainders, from a bit of their plane on. */
static void read_remainders(const uint8_t *plane, int64_t position, int64_t *u, int64_t n, int width) {
    const uint64_t mask = ((uint64_t)1 << width) - 1;
    int64_t i = 0;
    for (; width && width <= 7 && i + 8 <= n; i += 8, position += 8 * width) { /* as many from one load as 56 bits hold */
        const uint64_t low = load_bits(plane + (position >> 3)) >> (64 - (position & 7) - 8 * width);
        for (int j = 0; j < 8; j++) u[i + j] |= (int64_t)(low >> (7 - j) * width & mask);
    }
    for (; width && width <= 14 && i + 4 <= n; i += 4, position += 4 * width) {
        const uint64_t low = load_bits(plane + (position >> 3)) >> (64 - (position & 7) - 4 * width);
        for (int j = 0; j < 4; j++) u[i + j] |= (int64_t)(low >> (3 - j) * width & mask);
    }
    for (; i < n; i++, position += width) u[i] |= (int64_t)(load_bits(plane + (position >> 3)) << (position & 7) >> 1 >> (63 - width));
}

/* Reads n numbers; each plane has 8 bytes more than its bits fill, and n quotients are there. */
void rice_decode(const uint8_t *unary, const uint8_t *remainders, int64_t *u, int64_t n, const int64_t *k, int64_t block) {
    Quotients quotients = {unary, n ? mirrored(load_bits(unary)) : 0, 0, 0};
    int64_t position = 0; /* of the next remainder */
    for (int64_t first = 0, b = 0; first < n; first += block, b++) {
        const int64_t last = smaller(first + block, n);
        for (int64_t start = first; start < last; start += STRETCH) {
            const int64_t some = smaller(STRETCH, last - start);
            read_quotients(&quotients, u + start, some, (int)k[b]);
            read_remainders(remainders, position, u + start, some, (int)k[b]);
            position += some * k[b];
        }
    }
}
