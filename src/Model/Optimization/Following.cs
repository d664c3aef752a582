using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>A range of a teacher's values that follows a range of a student's.</summary>
/// <param name="Teacher">[student length]</param>
/// <param name="Student">Where the student's values lie in the flat buffers.</param>
/// <param name="Audio">By the audio teacher's momentum, not the video teacher's.</param>
internal sealed record Following(Tensor Teacher, FlatRange Student, bool Audio);
