// Enough of CUDA for the kernels to run on a host: one block at a time, its threads as fibers that take turns at every shuffle and barrier.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>
#include <ucontext.h>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(...)

typedef unsigned int u32;
struct uint2 { u32 x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct Place { int x, y; };
static uint2 make_uint2(u32 x, u32 y) { return {x, y}; }
static float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static float __uint_as_float(u32 bits) { float f; memcpy(&f, &bits, 4); return f; }
static u32 bf16(float f) { u32 bits; memcpy(&bits, &f, 4); return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16; } // nearest, ties to even
static u32 pack(float low, float high) { return bf16(low) | (bf16(high) << 16); }
static float rsqrtf(float f) { return 1 / sqrtf(f); }

static const int Threads = 128, Stack = 64 << 10;
static Place threadIdx, blockIdx, blockDim = {Threads, 1}, gridDim;

struct Fiber { ucontext_t context; bool done; int shuffles; std::vector<char> stack; };
struct Gate { int arrived, passed; };
static Fiber fibers[Threads];
static Gate warps[Threads / 32], block;
static float values[2][Threads];
static ucontext_t scheduler;
static void (*body)(void**);
static void** arguments;

static void yield() {
  const int self = threadIdx.x;
  swapcontext(&fibers[self].context, &scheduler);
  threadIdx.x = self;
}

static void meet(Gate& gate, int expected) {
  const int turn = gate.passed;
  if (++gate.arrived == expected) { gate.arrived = 0; gate.passed++; return; }
  while (gate.passed == turn) yield();
}

static void __syncthreads() { meet(block, Threads); }

static float __shfl_xor_sync(u32, float value, int lanes) {
  const int self = threadIdx.x, side = fibers[self].shuffles++ & 1; // a fast lane writes where a slow one has read
  values[side][self] = value;
  meet(warps[self / 32], 32);
  return values[side][self ^ lanes];
}

static void run() {
  body(arguments);
  fibers[threadIdx.x].done = true;
  swapcontext(&fibers[threadIdx.x].context, &scheduler);
}

static void run_block() {
  memset(warps, 0, sizeof warps);
  block = {};
  for (int t = 0; t < Threads; t++) {
    fibers[t].done = false;
    fibers[t].shuffles = 0;
    fibers[t].stack.resize(Stack);
    getcontext(&fibers[t].context);
    fibers[t].context.uc_stack.ss_sp = fibers[t].stack.data();
    fibers[t].context.uc_stack.ss_size = Stack;
    makecontext(&fibers[t].context, run, 0);
  }
  for (int left = Threads, idle = 0; left > 0;) {
    for (int t = 0; t < Threads; t++) {
      if (fibers[t].done) continue;
      threadIdx.x = t;
      swapcontext(&scheduler, &fibers[t].context);
      if (fibers[t].done) { left--; idle = 0; }
    }
    if (++idle > 1 << 20) { fprintf(stderr, "threads wait for each other in a kernel\n"); abort(); }
  }
}

template <class... A, size_t... I> static void call(void (*kernel)(A...), void** slots, std::index_sequence<I...>) { kernel(*(A*)slots[I]...); }
template <class... A> static void call(void (*kernel)(A...), void** slots) { call(kernel, slots, std::index_sequence_for<A...>()); }
