using System.Diagnostics;
using System.IO.MemoryMappedFiles;

namespace Xkd.Bench;

/// <summary>
/// What the machine can do at best: threads that do nothing but copy windows out of mapped files of the page cache into the memory of a batch
/// of their own, with the library's copy and without a check.
/// </summary>
internal sealed unsafe class BareCopy : IDisposable
{
    private readonly List<MemoryMappedFile> _files = [];
    private readonly List<MemoryMappedViewAccessor> _views = [];
    private readonly List<nint> _clips = [];

    /// <param name="folder">Files *.raw, a clip's frames each.</param>
    public BareCopy(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*.raw").Order(StringComparer.Ordinal))
        {
            _files.Add(MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read));
            _views.Add(_files[^1].CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read));
            byte* at = null;
            _views[^1].SafeMemoryMappedViewHandle.AcquirePointer(ref at);
            _clips.Add((nint)at);
        }
    }

    /// <summary>Windows a second.</summary>
    /// <param name="threads">Threads.</param>
    /// <param name="windows">Windows each copies.</param>
    /// <param name="frames">Frames of a clip.</param>
    /// <param name="window">Frames of a window.</param>
    /// <param name="frameBytes">Bytes of a frame.</param>
    /// <param name="batch">Windows of a batch.</param>
    public double Rate(int threads, int windows, int frames, int window, int frameBytes, int batch)
    {
        byte[][] batches = [.. Enumerable.Range(0, threads).Select(_ => new byte[batch * window * frameBytes])];
        long began = 0;
        using Barrier start = new(threads, _ => began = Stopwatch.GetTimestamp());
        Thread[] running = [.. Enumerable.Range(0, threads).Select(t => new Thread(() => Copy(new Random(t), batches[t], start, windows, frames, window, frameBytes)))];
        Array.ForEach(running, t => t.Start());
        Array.ForEach(running, t => t.Join());
        return threads * windows / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    public void Dispose()
    {
        foreach (var view in _views)
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
        }

        _files.ForEach(f => f.Dispose());
    }

    private void Copy(Random random, byte[] batch, Barrier start, int windows, int frames, int window, int frameBytes)
    {
        var bytes = window * frameBytes;
        for (var i = -_clips.Count; i < windows; i++)
        {
            if (i == 0)
            {
                start.SignalAndWait(); // every page has been seen
            }

            var clip = i < 0 ? _clips[i + _clips.Count] : _clips[random.Next(_clips.Count)];
            var first = i < 0 ? 0 : random.Next(frames - window + 1);
            var whole = i < 0 ? frames : window;
            for (var done = 0; done < whole; done += window)
            {
                var count = Math.Min(window, whole - done) * frameBytes;
                new ReadOnlySpan<byte>((byte*)clip + ((long)(first + done) * frameBytes), count).CopyTo(batch.AsSpan((i & 7) % (batch.Length / bytes) * bytes));
            }
        }
    }
}
