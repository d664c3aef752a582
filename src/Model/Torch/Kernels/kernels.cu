// What a transformer's step does between its products, one pass over memory each. Compiled at start by NVRTC for the GPU that is there and for one width of the
// stream (-DWIDTH=768); README.md says what each replaces. A row is one token. Vectors are bfloat16 where a product reads or wrote them, and with
// -DNARROW on the residual stream, else float32. All sums are float32. Widths and patches are multiples of 4 values.
#ifdef __CUDACC_RTC__
typedef unsigned int u32;

// Two floats rounded to the nearest bfloat16, ties to even; the first is the lower half.
__device__ inline u32 pack(float low, float high) {
  u32 both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}
#endif

// Four values of a row.
struct Quad { float v[4]; };

__device__ inline Quad widen(uint2 packed) {
  return {{__uint_as_float(packed.x << 16), __uint_as_float(packed.x & 0xffff0000u), __uint_as_float(packed.y << 16), __uint_as_float(packed.y & 0xffff0000u)}};
}

__device__ inline uint2 narrow(Quad q) { return make_uint2(pack(q.v[0], q.v[1]), pack(q.v[2], q.v[3])); }

__device__ inline Quad quad(float4 f) { return {{f.x, f.y, f.z, f.w}}; }

__device__ inline float4 wide(Quad q) { return make_float4(q.v[0], q.v[1], q.v[2], q.v[3]); }

// Four values of the residual stream.
#ifdef NARROW
typedef uint2 Stream;
__device__ inline Quad load(Stream s) { return widen(s); }
__device__ inline Stream store(Quad q) { return narrow(q); }
#else
typedef float4 Stream;
__device__ inline Quad load(Stream s) { return quad(s); }
__device__ inline Stream store(Quad q) { return wide(q); }
#endif

// Sum over the 32 lanes of a warp, given to all of them.
__device__ inline float warp_sum(float value) {
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes >>= 1) value += __shfl_xor_sync(0xffffffffu, value, lanes);
  return value;
}

#define QUADS (WIDTH / 4)               // of a row
#define HELD ((QUADS + 31) / 32)        // of them by each lane
#define OWN(k) ((k) * 32 + lane)        // the k-th quad of a lane
#define EACH_QUAD _Pragma("unroll") for (int k = 0; k < HELD; k++) if ((QUADS % 32) == 0 || OWN(k) < QUADS)
#define EACH_VALUE _Pragma("unroll") for (int i = 0; i < 4; i++)

// sum = x + (branch + bias), and its layer norm. A warp a row. Without a branch only the norm.
extern "C" __global__ void __launch_bounds__(128) add_norm_forward(
    const Stream* __restrict__ x, const uint2* __restrict__ branch, const float4* __restrict__ bias, const float4* __restrict__ gamma,
    const float4* __restrict__ beta, Stream* __restrict__ sum, uint2* __restrict__ normed, float* __restrict__ mean, float* __restrict__ rstd, long long rows) {
  const int lane = threadIdx.x & 31;
  const long long row = (long long)blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
  if (row >= rows) return;
  const long long at = row * QUADS;
  Quad held[HELD];
  float total = 0;
  EACH_QUAD {
    held[k] = load(x[at + OWN(k)]);
    if (branch) {
      const Quad b = widen(branch[at + OWN(k)]), c = quad(bias[OWN(k)]);
      EACH_VALUE held[k].v[i] += b.v[i] + c.v[i];
      const Stream kept = store(held[k]);
      sum[at + OWN(k)] = kept;
      held[k] = load(kept); // the norm is of what is kept: backward knows no other
    }
    EACH_VALUE total += held[k].v[i];
  }
  const float m = warp_sum(total) / WIDTH;
  float squares = 0;
  EACH_QUAD EACH_VALUE squares += (held[k].v[i] - m) * (held[k].v[i] - m);
  const float r = rsqrtf(warp_sum(squares) / WIDTH + 1e-5f);
  EACH_QUAD {
    const Quad g = quad(gamma[OWN(k)]), b = quad(beta[OWN(k)]);
    EACH_VALUE held[k].v[i] = (held[k].v[i] - m) * r * g.v[i] + b.v[i];
    normed[at + OWN(k)] = narrow(held[k]);
  }
  if (lane == 0) {
    mean[row] = m;
    rstd[row] = r;
  }
}

// Gradients of x (and, rounded, of the branch) by those of the norm's output and of the sum. Each block leaves its sums over rows of the gradients of gamma,
// beta and bias: partials [blocks, 3, WIDTH].
extern "C" __global__ void __launch_bounds__(128, WIDTH <= 768 ? 3 : 2) add_norm_backward(
    const uint2* __restrict__ dnormed, const Stream* __restrict__ dsum, const Stream* __restrict__ sum, const float* __restrict__ mean,
    const float* __restrict__ rstd, const float4* __restrict__ gamma, Stream* __restrict__ dx, uint2* __restrict__ dbranch, float4* __restrict__ partials,
    long long rows) {
  __shared__ float4 shared[3 * QUADS];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  Quad dgamma[HELD] = {}, dbeta[HELD] = {}, dbias[HELD] = {};
  for (long long row = (long long)blockIdx.x * warps + warp; row < rows; row += (long long)gridDim.x * warps) {
    const long long at = row * QUADS;
    const float m = mean[row], r = rstd[row];
    Quad centred[HELD], inner[HELD]; // (x - mean) / deviation, and the gradient of that
    float first = 0, second = 0;
    EACH_QUAD {
      const Quad d = widen(dnormed[at + OWN(k)]), g = quad(gamma[OWN(k)]);
      centred[k] = load(sum[at + OWN(k)]);
      EACH_VALUE {
        centred[k].v[i] = (centred[k].v[i] - m) * r;
        inner[k].v[i] = d.v[i] * g.v[i];
        first += inner[k].v[i];
        second += inner[k].v[i] * centred[k].v[i];
        dgamma[k].v[i] += d.v[i] * centred[k].v[i];
        dbeta[k].v[i] += d.v[i];
      }
    }
    first = warp_sum(first) / WIDTH;
    second = warp_sum(second) / WIDTH;
    EACH_QUAD {
      EACH_VALUE inner[k].v[i] = r * (inner[k].v[i] - first - centred[k].v[i] * second);
      if (dsum) {
        const Quad d = load(dsum[at + OWN(k)]);
        EACH_VALUE inner[k].v[i] += d.v[i];
      }
      EACH_VALUE dbias[k].v[i] += inner[k].v[i];
      dx[at + OWN(k)] = store(inner[k]);
      if (dbranch) dbranch[at + OWN(k)] = narrow(inner[k]);
    }
  }
  // One warp after the other, so that the order of the sums is always the same.
  for (int turn = 0; turn < warps; turn++) {
    if (turn == warp) {
      EACH_QUAD {
        const Quad before[3] = {quad(shared[OWN(k)]), quad(shared[QUADS + OWN(k)]), quad(shared[2 * QUADS + OWN(k)])};
        EACH_VALUE {
          dgamma[k].v[i] += turn > 0 ? before[0].v[i] : 0;
          dbeta[k].v[i] += turn > 0 ? before[1].v[i] : 0;
          dbias[k].v[i] += turn > 0 ? before[2].v[i] : 0;
        }
        shared[OWN(k)] = wide(dgamma[k]);
        shared[QUADS + OWN(k)] = wide(dbeta[k]);
        shared[2 * QUADS + OWN(k)] = wide(dbias[k]);
      }
    }
    __syncthreads();
  }
  for (int q = threadIdx.x; q < 3 * QUADS; q += blockDim.x) partials[(long long)blockIdx.x * 3 * QUADS + q] = shared[q];
}

// gelu(product + bias), exact. A thread a column of four, grid.y strides of rows.
extern "C" __global__ void __launch_bounds__(128) gelu_forward(
    const uint2* __restrict__ product, const float4* __restrict__ bias, uint2* __restrict__ out, long long rows, long long quads) {
  const long long column = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= quads) return;
  const Quad b = quad(bias[column]);
#pragma unroll 4
  for (long long row = blockIdx.y; row < rows; row += gridDim.y) {
    Quad z = widen(product[row * quads + column]);
    EACH_VALUE {
      z.v[i] += b.v[i];
      z.v[i] *= 0.5f * (1 + erff(z.v[i] * 0.70710678f));
    }
    out[row * quads + column] = narrow(z);
  }
}

// Gradient of the product by that of the output, and each row stride's sums of the bias's gradient: partials [grid.y, columns].
extern "C" __global__ void __launch_bounds__(128) gelu_backward(
    const uint2* __restrict__ dout, const uint2* __restrict__ product, const float4* __restrict__ bias, uint2* __restrict__ dproduct,
    float4* __restrict__ partials, long long rows, long long quads) {
  const long long column = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= quads) return;
  const Quad b = quad(bias[column]);
  Quad total = {};
#pragma unroll 4
  for (long long row = blockIdx.y; row < rows; row += gridDim.y) {
    const Quad d = widen(dout[row * quads + column]);
    Quad z = widen(product[row * quads + column]);
    EACH_VALUE {
      z.v[i] += b.v[i];
      const float below = 0.5f * (1 + erff(z.v[i] * 0.70710678f)), density = 0.39894228f * expf(-0.5f * z.v[i] * z.v[i]);
      z.v[i] = d.v[i] * (below + z.v[i] * density);
      total.v[i] += z.v[i];
    }
    dproduct[row * quads + column] = narrow(z);
  }
  partials[blockIdx.y * quads + column] = wide(total);
}

// Mean squared error of each hidden patch, 0 of one that is seen; or, given the gradient of their mean over the hidden ones, the gradient of what was
// predicted. The target is the patch, or the patch normalised by its own mean and unbiased variance. A warp a patch.
extern "C" __global__ void __launch_bounds__(128, 8) patch_error(
    const uint2* __restrict__ predicted, const float4* __restrict__ patches, const float* __restrict__ mask, const float* __restrict__ hidden,
    const float* __restrict__ weight, float* __restrict__ errors, uint2* __restrict__ gradient, long long rows, long long quads, long long normalise) {
  const int lane = threadIdx.x & 31;
  const long long row = (long long)blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
  if (row >= rows) return;
  const float4* const patch = patches + row * quads;
  const float values = 4.0f * quads;
  if (mask[row] == 0) {
    for (long long q = lane; gradient && q < quads; q += 32) gradient[row * quads + q] = make_uint2(0, 0);
    if (errors && lane == 0) errors[row] = 0;
    return;
  }
  float mean = 0, scale = 1;
  if (normalise) {
    for (long long q = lane; q < quads; q += 32) {
      const Quad p = quad(patch[q]);
      EACH_VALUE mean += p.v[i];
    }
    mean = warp_sum(mean) / values;
    float squares = 0;
    for (long long q = lane; q < quads; q += 32) {
      const Quad p = quad(patch[q]);
      EACH_VALUE squares += (p.v[i] - mean) * (p.v[i] - mean);
    }
    scale = rsqrtf(warp_sum(squares) / (values - 1) + 1e-6f);
  }
  const float share = gradient ? 2 * weight[0] / (values * hidden[0]) : 0;
  float error = 0;
  for (long long q = lane; q < quads; q += 32) {
    const Quad p = quad(patch[q]);
    Quad e = widen(predicted[row * quads + q]);
    EACH_VALUE {
      e.v[i] -= (p.v[i] - mean) * scale;
      error += e.v[i] * e.v[i];
      e.v[i] *= share;
    }
    if (gradient) gradient[row * quads + q] = narrow(e);
  }
  error = warp_sum(error);
  if (errors && lane == 0) errors[row] = error / values;
}
