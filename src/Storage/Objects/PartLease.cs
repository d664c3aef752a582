using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Xkd.Storage;

/// <summary>
/// The right to write a part where no kernel keeps locks: an object <c>locks/&lt;part&gt;.&lt;generation&gt;.lock</c> that its holder writes anew every
/// third of a lease. Whoever saw it unchanged for a whole lease may put the next generation, if absent, and the newest generation holds the right:
/// of several who try, one wins, and one who was only slow finds a newer generation and stops. Clocks of different machines are never compared.
/// </summary>
internal sealed partial class PartLease : IPartLock
{
    private const string Released = "released";

    private readonly Lock _gate = new();
    private readonly ObjectBucket _bucket;
    private readonly string _part;
    private readonly int _generation;
    private readonly string _owner;
    private readonly ITimer _timer;
    private int _beat;
    private bool _over;

    private PartLease(ObjectBucket bucket, string part, int generation, string owner, bool takenOver, TimeSpan lease, TimeProvider time)
    {
        (_bucket, _part, _generation, _owner, TakenOver) = (bucket, part, generation, owner, takenOver);
        _timer = time.CreateTimer(_ => Beat(), null, lease / 3, lease / 3);
    }

    public bool TakenOver { get; }

    /// <summary>Takes a part that is free, or whose holder was seen to be gone.</summary>
    /// <param name="bucket">The cache's objects.</param>
    /// <param name="part">The part.</param>
    /// <param name="isGone">Told generation and content of a lock that is held; whether it has been so for a whole lease.</param>
    /// <param name="lease">How long a holder may give no sign.</param>
    /// <param name="time">Beats.</param>
    /// <returns>null when another holds it.</returns>
    public static PartLease? TryTake(ObjectBucket bucket, string part, Func<int, string, bool> isGone, TimeSpan lease, TimeProvider time)
    {
        var newest = Newest(bucket, part);
        var held = newest > 0 && Content(bucket, part, newest) is { } content && content != Released ? content : null;
        if (held is not null && !isGone(newest, held))
        {
            return null;
        }

        var owner = $"{Environment.MachineName} process {Environment.ProcessId} {Guid.NewGuid():N}";
        if (!bucket.TryPut(Name(part, newest + 1), Encoding.UTF8.GetBytes(owner)))
        {
            return null;
        }

        if (newest > 0)
        {
            bucket.Delete(Name(part, newest));
        }

        return new PartLease(bucket, part, newest + 1, owner, takenOver: held is not null, lease, time);
    }

    /// <summary>Who holds a part, for a person; null when nobody does.</summary>
    public static string? Holder(ObjectBucket bucket, string part) =>
        Newest(bucket, part) is > 0 and var newest && Content(bucket, part, newest) is { } content && content != Released ? content : null;

    public void Require()
    {
        if (!Renew())
        {
            throw new FailureException(
                $"part {_part} was taken over by another process, because this one gave no sign for too long: let that one finish; "
                + "nothing of this commit was kept");
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
            if (_over)
            {
                return;
            }

            _over = true;
            try
            {
                _bucket.Put(Name(_part, _generation), Encoding.UTF8.GetBytes(Released));
            }
            catch (XkdException)
            {
                // Then the next writer of this part waits a lease.
            }
        }
    }

    private void Beat()
    {
        if (!_gate.TryEnter())
        {
            return; // the beat before still waits for the service: more that wait would take the threads on which its answer is to arrive
        }

        try
        {
            Renew();
        }
        catch (XkdException)
        {
            // The service is away for a while. Before anything becomes visible, Require asks again and tells.
        }
        finally
        {
            _gate.Exit();
        }
    }

    private bool Renew()
    {
        lock (_gate)
        {
            _over = _over || Newest(_bucket, _part) > _generation;
            if (!_over)
            {
                _bucket.Put(Name(_part, _generation), Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_owner} beat {++_beat}")));
            }

            return !_over;
        }
    }

    private static int Newest(ObjectBucket bucket, string part) =>
        bucket.List(CacheLayout.Locks).Select(f => LockName().Match(f.Name)).Where(m => m.Success && m.Groups["part"].Value == part)
            .Select(m => int.Parse(m.Groups["generation"].ValueSpan, CultureInfo.InvariantCulture)).DefaultIfEmpty().Max();

    private static string? Content(ObjectBucket bucket, string part, int generation)
    {
        var content = new byte[512];
        return bucket.Read(Name(part, generation), 0, content) is { } bytes ? Encoding.UTF8.GetString(content.AsSpan(0, bytes)) : null;
    }

    private static string Name(string part, int generation) => CacheLayout.Lock(string.Create(CultureInfo.InvariantCulture, $"{part}.{generation:D6}"));

    [GeneratedRegex(@"^locks/(?<part>[A-Za-z0-9_-]+)\.(?<generation>\d{6,9})\.lock$", RegexOptions.ExplicitCapture)]
    private static partial Regex LockName();
}
