using static TorchSharp.torch;

namespace Xkd.Model;

/// <summary>The scalars of one step, packed in one tensor on the device: keep them there and read the host copy once per log interval. Dispose when read.</summary>
public sealed class XkdLosses : IDisposable
{
    private const int Terms = 17;

    internal XkdLosses(Tensor packed) => Packed = packed;

    /// <summary>
    /// [17] float32: loss, recon_video, recon_audio, kd_v2a, kd_a2v, align_student, align_teacher, mmd_kxx, mmd_kyy, mmd_kxy, then center_entropy, teacher_entropy
    /// and std of video and audio each, grad_norm.
    /// </summary>
    public Tensor Packed { get; }

    /// <summary>Waits for the device and reads all scalars at once.</summary>
    public XkdLossValues Read()
    {
        using var host = Packed.cpu();
        return Unpack(host.data<float>().ToArray());
    }

    /// <summary>Reads the scalars of many steps in one transfer, in order.</summary>
    public static IReadOnlyList<XkdLossValues> Read(IReadOnlyList<XkdLosses> steps)
    {
        if (steps.Count == 0)
        {
            return [];
        }

        using var stacked = cat(steps.Select(step => step.Packed).ToArray()); // [steps * 17]
        using var host = stacked.cpu();
        return host.data<float>().ToArray().Chunk(Terms).Select(Unpack).ToList();
    }

    public void Dispose() => Packed.Dispose();

    private static XkdLossValues Unpack(float[] v) => new()
    {
        Loss = v[0],
        ReconVideo = v[1],
        ReconAudio = v[2],
        KdV2A = v[3],
        KdA2V = v[4],
        AlignStudent = v[5],
        AlignTeacher = v[6],
        MmdKxx = v[7],
        MmdKyy = v[8],
        MmdKxy = v[9],
        CenterEntropyVideo = v[10],
        CenterEntropyAudio = v[11],
        TeacherEntropyVideo = v[12],
        TeacherEntropyAudio = v[13],
        StdVideo = v[14],
        StdAudio = v[15],
        GradNorm = v[16],
    };
}
