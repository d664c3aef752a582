namespace Xkd.Model.Weights;

/// <summary>Where a PyTorch file keeps the bytes of its storages.</summary>
internal interface IStorageSource
{
    /// <summary>All bytes of a storage.</summary>
    /// <exception cref="PickleFormatException">It is absent, of another size than the pickle declares, or damaged.</exception>
    byte[] Read(PickleStorage storage);
}
