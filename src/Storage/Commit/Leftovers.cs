namespace Xkd.Storage;

/// <summary>
/// Removes what writers left that died before their commit: temporary files, and files that got their name but no manifest's line.
/// Their items are in no manifest either, so they are done again.
/// </summary>
internal sealed class Leftovers(ICacheStore store)
{
    /// <summary>Clears up after a part whose lock the caller holds, and after every part nobody holds.</summary>
    /// <param name="heldPart">The caller's part.</param>
    /// <param name="own">Its lock.</param>
    /// <param name="head">The manifest in force.</param>
    /// <param name="fence">Sees to it that no version appears any more that was sent before now.</param>
    /// <exception cref="FailureException">The lock was taken over: what is there may be the next holder's, and stays.</exception>
    public void Remove(string heldPart, IPartLock own, Manifest? head, Action fence)
    {
        var found = Find(head);
        own.Require(); // after the listing: whoever takes over from here on has nothing in it
        foreach (var part in found.GroupBy(f => f.Part, f => f.Name, StringComparer.Ordinal))
        {
            if (part.Key == heldPart)
            {
                Delete(part);
                continue;
            }

            using var held = store.TryLock(part.Key);
            if (held is not null)
            {
                if (held.TakenOver)
                {
                    fence(); // its writer may have sent a manifest that names these files
                }

                // Listed again under the lock: its writer may have committed and left between the listing and here.
                string[] theirs = [.. Find(new ManifestStore(store).Head()).Where(f => f.Part == part.Key).Select(f => f.Name)];
                held.Require();
                Delete(theirs);
            }
        }
    }

    // Numbers up to that of the last commit are of files that some version names, or that vacuum removes.
    private List<(string Part, string Name)> Find(Manifest? head)
    {
        var committed = head?.Parts.ToDictionary(p => p.Name, p => p.Number, StringComparer.Ordinal) ?? [];
        List<(string, string)> found = [];
        foreach (var name in CacheLayout.Numbered.Append(CacheLayout.Manifests).Append(CacheLayout.Top).SelectMany(store.List).Select(f => f.Name))
        {
            if (CacheLayout.ParseTemporary(name) is { } writer)
            {
                found.Add((writer, name));
            }
            else if (CacheLayout.Parse(name) is { } file && file.Number > committed.GetValueOrDefault(file.Part))
            {
                found.Add((file.Part, name));
            }
        }

        return found;
    }

    private void Delete(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            store.Delete(name);
        }
    }
}
