namespace Xkd.Storage;

/// <summary>The single final state of a source item.</summary>
public enum ItemState
{
    /// <summary>Its clips are rows of the index.</summary>
    Committed,

    /// <summary>It gave no clip; <see cref="LedgerEntry.Stage"/> and <see cref="LedgerEntry.Reason"/> say why.</summary>
    Failed,

    /// <summary>Its clips were removed; it is not ingested again, unless they went only because its file was not at its place.</summary>
    Removed,
}
