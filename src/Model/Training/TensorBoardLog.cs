using TorchSharp;
using TorchSharp.Modules;
using Xkd.Model.Weights;
using Xkd.Pipeline;

namespace Xkd.Model.Training;

/// <summary>The run's scalars and pictures as TensorBoard events.</summary>
internal sealed class TensorBoardLog(string folder)
{
    private const int MostFrames = 8;

    private SummaryWriter? _writer;

    // It makes its file when it is made.
    private SummaryWriter Writer => _writer ??= torch.utils.tensorboard.SummaryWriter(folder);

    /// <exception cref="FullDiskException">There is no room; events may be missing.</exception>
    public void Append(IReadOnlyList<StepMetrics> steps) => Guard(() => Scalars(steps));

    /// <summary>The clip, what its masks leave of it and what the decoders make of the rest, one above the other: a few of the frames, and the spectrogram.</summary>
    /// <exception cref="FullDiskException">There is no room; events may be missing.</exception>
    public void Append(long step, MaskedReconstruction picture)
    {
        using var scope = torch.NewDisposeScope();
        int rowBytes = picture.Size * 3, shown = Math.Min(MostFrames, picture.Frames);
        var frames = new byte[3 * picture.Size * shown * rowBytes];
        var at = 0;
        foreach (var rgb in new[] { picture.Original, picture.Visible, picture.Reconstructed })
        {
            for (var row = 0; row < picture.Size; row++)
            {
                for (var i = 0; i < shown; i++, at += rowBytes)
                {
                    var frame = i * picture.Frames / shown;
                    rgb.AsSpan(((frame * picture.Size) + row) * rowBytes, rowBytes).CopyTo(frames.AsSpan(at));
                }
            }
        }

        float low = picture.OriginalMel.Min(), high = picture.OriginalMel.Max();
        byte[] spectrograms = [.. new[] { picture.OriginalMel, picture.VisibleMel, picture.ReconstructedMel }
            .SelectMany(mel => FramePictures.SpectrogramPixels(mel, picture.Mels, picture.MelFrames, low, high))];
        Guard(() =>
        {
            Add("masked/frames", frames, 3 * picture.Size, shown * picture.Size);
            Add("masked/spectrogram", spectrograms, 3 * picture.Mels, picture.MelFrames);
        });

        void Add(string tag, byte[] rgb, long height, long width) => Writer.add_img(tag, torch.tensor(rgb).view(height, width, 3), (int)step, dataformats: "HWC");
    }

    private void Scalars(IEnumerable<StepMetrics> steps)
    {
        foreach (var step in steps)
        {
            foreach (var (name, value) in step.Values.Where(value => value.Key is not ("step" or "epoch" or "position")))
            {
                Writer.add_scalar($"{(step.Scalars.ContainsKey(name) ? "train" : "run")}/{name}", (float)value, (int)step.Step);
            }
        }
    }

    private static void Guard(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e) when (FullDiskException.IsCause(e))
        {
            throw new FullDiskException($"the TensorBoard events cannot be written: {e.Message}. Make room and resume.", e);
        }
    }
}
