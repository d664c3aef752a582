using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>What the students see of one clip, and what they make of the rest: for people to look at.</summary>
public sealed record MaskedReconstruction
{
    private static readonly float[] ImageNetMean = [0.485f, 0.456f, 0.406f], ImageNetStd = [0.229f, 0.224f, 0.225f];

    /// <summary>Frames of the clip.</summary>
    public required int Frames { get; init; }

    /// <summary>Height and width of a frame, pixels.</summary>
    public required int Size { get; init; }

    /// <summary>rgb24 [frames, size, size, 3]: the clip, the visible part (the rest gray), and the reconstruction.</summary>
    public required byte[] Original { get; init; }

    public required byte[] Visible { get; init; }

    public required byte[] Reconstructed { get; init; }

    public required int Mels { get; init; }

    public required int MelFrames { get; init; }

    /// <summary>Normalised log-mel [mels, mel frames]: the spectrogram, the visible part (the rest at the minimum), and the reconstruction.</summary>
    public required float[] OriginalMel { get; init; }

    public required float[] VisibleMel { get; init; }

    public required float[] ReconstructedMel { get; init; }

    /// <summary>
    /// Masks a clip's global views [1, 3, T, H, W] and [1, 1, M, F], on the model's device, by the seed and reconstructs them; waits for the device. Visible patches are
    /// shown as they are. With per-patch-normalised targets the decoder predicts no patch means and deviations: those of the original are used, as is customary.
    /// </summary>
    internal static MaskedReconstruction Of(XkdModel model, Tensor video, Tensor audio, ulong seed)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var key = new SampleKey(seed, 0, 0);
        var (objective, videoGeometry, audioGeometry) = (model.Config.Objective, model.Config.VideoGeometry, model.Config.AudioGeometry);
        var videoNoise = Noise(key, SamplePurpose.VideoMaskNoise, videoGeometry.Tokens);
        var audioNoise = Noise(key, SamplePurpose.AudioMaskNoise, audioGeometry.Tokens);
        (var seenVideo, var madeVideo) = Reconstruct(model.VideoAutoencoder, video, objective.MaskVideo, objective.NormPix, videoNoise);
        (var seenAudio, var madeAudio) = Reconstruct(model.AudioAutoencoder, audio, objective.MaskAudio, objective.NormPix, audioNoise);
        int frames = (int)video.shape[2], size = (int)video.shape[3];
        return new MaskedReconstruction
        {
            Frames = frames,
            Size = size,
            Original = Rgb(video.reshape(3, frames, size, size)),
            Visible = Rgb(Unpatchify(seenVideo, videoGeometry)),
            Reconstructed = Rgb(Unpatchify(madeVideo, videoGeometry)),
            Mels = (int)audio.shape[2],
            MelFrames = (int)audio.shape[3],
            OriginalMel = audio.cpu().flatten().data<float>().ToArray(),
            VisibleMel = Unpatchify(seenAudio, audioGeometry).flatten().data<float>().ToArray(),
            ReconstructedMel = Unpatchify(madeAudio, audioGeometry).flatten().data<float>().ToArray(),
        };
    }

    private static Tensor Noise(SampleKey key, SamplePurpose purpose, int tokens)
    {
        var noise = new float[tokens];
        new SampleRandom(key, purpose).Fill(noise);
        return tensor(noise).unsqueeze(0); // [1, N]
    }

    // The visible patches alone, and the visible ones with the decoder's in between: both [N, P].
    private static (Tensor Seen, Tensor Made) Reconstruct(MaskedAutoencoder autoencoder, Tensor view, double ratio, bool normalised, Tensor noise)
    {
        (var latent, var patches, var masking) = autoencoder.Encode(view, noise.to(view.device), ratio);
        var predicted = autoencoder.Decode(latent, masking, view); // [1, N, P]
        if (normalised)
        {
            predicted = PatchReconstruction.Denormalise(predicted, patches);
        }

        Tensor hidden = masking.Mask.unsqueeze(-1), shown = hidden.RSub(1); // [1, N, 1]
        var seen = (patches * shown).Add(patches.min() * hidden);
        var made = (patches * shown).Add(predicted * hidden);
        return (seen[0].cpu(), made[0].cpu());
    }

    // Channel-last cuboids in (time, row, column) order back to [3, T, H, W].
    private static Tensor Unpatchify(Tensor patches, VideoGeometry g)
    {
        var grid = g.Grid(g.Frames, g.Height, g.Width);
        return patches.view(grid.Time, grid.Rows, grid.Columns, g.PatchFrames, g.PatchHeight, g.PatchWidth, g.Channels)
            .permute(6, 0, 3, 1, 4, 2, 5).reshape(g.Channels, g.Frames, g.Height, g.Width);
    }

    private static Tensor Unpatchify(Tensor patches, AudioGeometry g)
    {
        var grid = g.Grid(g.Mels, g.Frames);
        return patches.view(grid.Bands, grid.Time, g.PatchMels, g.PatchFrames).permute(0, 2, 1, 3).reshape(g.Mels, g.Frames); // [M, F]
    }

    // ImageNet-normalised [3, T, H, W] to rgb24 [T, H, W, 3].
    internal static byte[] Rgb(Tensor frames)
    {
        Tensor mean = tensor(ImageNetMean).view(3, 1, 1, 1), std = tensor(ImageNetStd).view(3, 1, 1, 1);
        var scaled = (frames.cpu() * std).Add(mean).Mul(255).round().ClampMin(0).ClampMax(255);
        return scaled.permute(1, 2, 3, 0).contiguous().to(ScalarType.Byte).data<byte>().ToArray();
    }
}
