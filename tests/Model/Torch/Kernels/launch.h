// Behind the kernels' source: starts one by its name.
#define CASE(kernel) if (!strcmp(name, #kernel)) body = [](void** slots) { call(kernel, slots); }

extern "C" int launch(const char* name, int x, int y, void** slots) {
  body = nullptr;
  CASE(add_norm_forward);
  CASE(add_norm_backward);
  CASE(gelu_forward);
  CASE(gelu_backward);
  CASE(patch_error);
  if (!body) return 1;
  arguments = slots;
  gridDim = {x, y};
  for (blockIdx.y = 0; blockIdx.y < y; blockIdx.y++)
    for (blockIdx.x = 0; blockIdx.x < x; blockIdx.x++) run_block();
  return 0;
}
