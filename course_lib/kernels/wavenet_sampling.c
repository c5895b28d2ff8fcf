/* A WaveNet that draws one sample after the other, each layer remembering what it has heard.

   Every weight is needed for every sample, and there are more of them than the nearest caches hold: reading them is what takes the time.
   So a matrix lies in memory in the order in which it is read; the taps that reach back d samples, of which the next d are known by now, work
   for up to AHEAD of them at once; and weights that are bfloat16 numbers, the upper halves of floats, are kept as such: the same sums from half
   as many bytes. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { W = 16, COLUMNS = 4 };
#elif defined(__AVX__)
enum { W = 8, COLUMNS = 2 };
#else
enum { W = 4, COLUMNS = 2 };
#endif
enum { TILE = 4 * W, AHEAD = 16, ROWS = 8 }; /* ROWS: sequences at once */
typedef float lanes __attribute__((vector_size(4 * W), aligned(4)));
typedef int32_t whole __attribute__((vector_size(4 * W), aligned(4)));

struct network {
    int64_t layers, taps, levels;       /* taps that reach back: K - 1 */
    int64_t halves;                     /* whether a word of a matrix holds two weights, else one */
    int64_t channels, skips;            /* padded to whole vectors */
    int64_t gates, state, hidden, last; /* padded to whole tiles: 2 channels, channels + skips, skips, levels */
    const int64_t *dilations;
    const uint32_t *past, *now, *out, *hidden_matrix, *last_matrix; /* per layer: taps, one, one packed matrices; one each */
    const float *entrance, *gate_bias, *out_bias, *sum_bias, *hidden_bias, *last_bias;
};

struct memory {
    int64_t rows, time;
    float *heard;   /* per layer: taps x dilation x rows x channels */
    float *expects; /* per layer: AHEAD x rows x gates, what the past says to the gates of the next samples */
};

int64_t wavenet_tile(void) { return TILE; }
int64_t wavenet_ahead(void) { return AHEAD; }
int64_t wavenet_rows(void) { return ROWS; }

static inline lanes load(const float *x) { return *(const lanes *)x; }
static inline void store(float *x, lanes v) { *(lanes *)x = v; }
static inline lanes pick(whole m, lanes yes, lanes no) { return (lanes)((m & (whole)yes) | (~m & (whole)no)); }

/* y += M x for one tile of outputs and a few pairs of vectors; each sum in two parts where there are too few to keep the processor busy. */
static inline __attribute__((always_inline)) void tile(const uint32_t *m, const int halves, int64_t inputs, const float *const *x,
                                                       float *const *y, const int columns)
{
    const int parts = columns == 1 ? 2 : 1;
    lanes sum[2][4][4];
    for (int j = 0; j < columns; j++)
        for (int v = 0; v < 4; v++) {
            sum[0][j][v] = load(y[j] + v * W);
            sum[1][j][v] = (lanes){0};
        }
    for (int64_t c = 0; c < inputs; c += parts)
        for (int p = 0; p < parts; p++, m += TILE >> halves)
            for (int v = 0; v < 4; v++) {
                const whole words = *(const whole *)(m + (v >> halves) * W);
                const lanes weights = (lanes)(!halves ? words : v % 2 ? words & (int32_t)0xffff0000 : words << 16);
                for (int j = 0; j < columns; j++) sum[p][j][v] += weights * x[j][c + p];
            }
    for (int j = 0; j < columns; j++)
        for (int v = 0; v < 4; v++) store(y[j] + v * W, columns == 1 ? sum[0][j][v] + sum[1][j][v] : sum[0][j][v]);
}

/* The same for all tiles of a packed matrix, tile by tile, input by input, and for all pairs of vectors. */
static inline __attribute__((always_inline)) void tiles(const uint32_t *m, const int halves, int64_t inputs, int64_t outputs,
                                                        const float *const *x, float *const *y, int64_t columns)
{
    for (int64_t o = 0; o < outputs; o += TILE, m += inputs * TILE >> halves) {
        float *to[AHEAD * ROWS];
        for (int64_t j = 0; j < columns; j++) to[j] = y[j] + o;
        int64_t j = 0;
        for (; COLUMNS >= 4 && j + 4 <= columns; j += 4) tile(m, halves, inputs, x + j, to + j, 4);
        for (; j + 2 <= columns; j += 2) tile(m, halves, inputs, x + j, to + j, 2);
        if (j < columns) tile(m, halves, inputs, x + j, to + j, 1);
    }
}

/* y_j += M x_j for the i-th of the matrices that lie behind each other. */
static void multiply(const struct network *n, const uint32_t *m, int64_t i, int64_t inputs, int64_t outputs, const float *const *x, float *const *y,
                     int64_t columns)
{
    if (n->halves)
        tiles(m + i * (inputs * outputs / 2), 1, inputs, outputs, x, y, columns);
    else
        tiles(m + i * (inputs * outputs), 0, inputs, outputs, x, y, columns);
}

/* e^x for |x| <= 80. */
static inline lanes exponential(lanes x)
{
    const lanes magic = (lanes){0} + 0x1.8p23f, shifted = x * 0x1.715476p0f + magic, power = shifted - magic;
    const lanes r = (x - power * 0x1.62e4p-1f) - power * 0x1.7f7d1cp-20f; /* |r| <= ln 2 / 2 */
    lanes p = (lanes){0} + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * (lanes)(((whole)shifted << 23) + 0x3f800000);
}

/* tanh(f) / (1 + e^-g) */
static inline lanes gated(lanes f, lanes g)
{
    const lanes zero = {0}, end = zero + 40.0f, far = zero + 80.0f;
    const lanes size = pick((whole)(f < zero), -f, f);
    const lanes e = exponential(-2.0f * pick((whole)(size < end), size, end));
    const lanes held = pick((whole)(g < far), pick((whole)(g > -far), g, -far), far);
    const lanes value = (1.0f - e) / ((1.0f + e) * (1.0f + exponential(-held)));
    return pick((whole)(f < zero), -value, value);
}

static void rectify(float *x, int64_t size)
{
    for (int64_t i = 0; i < size; i++) x[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

/* The first level at which the cumulated probability exceeds u. Behind the logits p has as much room; both are padded to whole tiles, logits
   with minus infinity. */
static int64_t draw(const float *logits, int64_t levels, int64_t padded, double u, float temperature, float *p)
{
    lanes highest = load(logits);
    for (int64_t v = W; v < padded; v += W) highest = pick((whole)(load(logits + v) > highest), load(logits + v), highest);
    float most = highest[0];
    for (int v = 1; v < W; v++) most = highest[v] > most ? highest[v] : most;
    const lanes least = (lanes){0} - 80.0f;
    for (int64_t v = 0; v < padded; v += W) {
        const lanes x = (load(logits + v) - most) / temperature;
        store(p + v, exponential(pick((whole)(x > least), x, least)));
    }
    double part[4] = {0.0}; /* so that one sum need not wait for the one before */
    for (int64_t v = 0; v < padded; v += 4)
        for (int i = 0; i < 4; i++) part[i] += p[v + i]; /* what is padded is less than rounding */
    const double enough = u * (part[0] + part[1] + part[2] + part[3]);
    double cumulated = 0.0;
    for (int64_t v = 0; v < levels; v++)
        if ((cumulated += p[v]) > enough) return v;
    return levels - 1;
}

/* What the past says to the gates of this sample and of the next few. */
static void look_ahead(const struct network *n, const struct memory *memory, int64_t layer, const float *heard, float *expects, int64_t ahead)
{
    const int64_t rows = memory->rows, d = n->dilations[layer], length = n->taps * d, columns = ahead * rows;
    const float *x[AHEAD * ROWS];
    float *y[AHEAD * ROWS];
    for (int64_t j = 0; j < columns; j++) {
        y[j] = expects + j * n->gates;
        memcpy(y[j], n->gate_bias + layer * n->gates, n->gates * sizeof(float));
    }
    for (int64_t k = 0; k < n->taps; k++) {
        for (int64_t j = 0; j < columns; j++)
            x[j] = heard + ((memory->time + j / rows + k * d) % length * rows + j % rows) * n->channels; /* (taps - k) d samples ago */
        multiply(n, n->past, layer * n->taps + k, n->channels, n->gates, x, y, columns);
    }
}

/* Goes on by `steps` samples. codes: rows x stride, the first of these samples at its beginning, the one before them in front of it.
   u: rows x stride, what they are drawn with, or NULL where the codes are given.  told: steps x rows x layers x gates, what a condition adds, or
   NULL.  logits: rows x stride x levels, or NULL.  work: rows x (state + channels + hidden + last) + last numbers. */
void wavenet_sampling(const struct network *n, struct memory *memory, int64_t steps, int64_t stride, int64_t *codes, const double *u,
                      float temperature, const float *told, float *logits, float *work)
{
    const int64_t rows = memory->rows;
    float *state[ROWS], *gates[ROWS], *z[ROWS], *hidden[ROWS], *last[ROWS], *sums[ROWS];
    for (int64_t r = 0; r < rows; r++) {
        state[r] = work, work += n->state;
        z[r] = work, work += n->channels;
        hidden[r] = work, work += n->hidden;
        last[r] = work, work += n->last;
        sums[r] = state[r] + n->channels;
    }
    for (int64_t t = 0; t < steps; t++, memory->time++) {
        for (int64_t r = 0; r < rows; r++) {
            memset(state[r], 0, n->state * sizeof(float));
            if (memory->time) memcpy(state[r], n->entrance + codes[r * stride + t - 1] * n->channels, n->channels * sizeof(float));
            memcpy(sums[r], n->sum_bias, n->skips * sizeof(float));
        }
        float *heard = memory->heard, *expects = memory->expects;
        for (int64_t l = 0; l < n->layers; l++) {
            const int64_t d = n->dilations[l], ahead = d < AHEAD ? d : AHEAD, length = n->taps * d;
            if (memory->time % ahead == 0) look_ahead(n, memory, l, heard, expects, ahead);
            for (int64_t r = 0; r < rows; r++) {
                gates[r] = expects + (memory->time % ahead * rows + r) * n->gates;
                if (told)
                    for (int64_t i = 0; i < n->gates; i++) gates[r][i] += told[((t * rows + r) * n->layers + l) * n->gates + i];
                memcpy(heard + (memory->time % length * rows + r) * n->channels, state[r], n->channels * sizeof(float));
            }
            multiply(n, n->now, l, n->channels, n->gates, (const float *const *)state, gates, rows);
            for (int64_t r = 0; r < rows; r++) {
                for (int64_t i = 0; i < n->channels; i += W) store(z[r] + i, gated(load(gates[r] + i), load(gates[r] + n->channels + i)));
                for (int64_t i = 0; i < n->state; i++) state[r][i] += n->out_bias[l * n->state + i];
            }
            multiply(n, n->out, l, n->channels, n->state, (const float *const *)z, state, rows);
            heard += length * rows * n->channels;
            expects += AHEAD * rows * n->gates;
        }
        for (int64_t r = 0; r < rows; r++) {
            rectify(sums[r], n->skips);
            memcpy(hidden[r], n->hidden_bias, n->hidden * sizeof(float));
            memcpy(last[r], n->last_bias, n->last * sizeof(float));
        }
        multiply(n, n->hidden_matrix, 0, n->skips, n->hidden, (const float *const *)sums, hidden, rows);
        for (int64_t r = 0; r < rows; r++) rectify(hidden[r], n->hidden);
        multiply(n, n->last_matrix, 0, n->skips, n->last, (const float *const *)hidden, last, rows);
        for (int64_t r = 0; r < rows; r++) {
            if (logits) memcpy(logits + (r * stride + t) * n->levels, last[r], n->levels * sizeof(float));
            if (u) codes[r * stride + t] = draw(last[r], n->levels, n->last, u[r * stride + t], temperature, work);
        }
    }
}
