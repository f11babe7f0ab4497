using Agora.Students.Training;

namespace Agora.Tests.Training;

/// <summary>Tests that use torch, one at a time: one of them counts the tensors of the process. libtorch is loaded before the first.</summary>
[CollectionDefinition("torch")]
public sealed class TorchCollection : ICollectionFixture<TorchCollection.LoadedTorch>
{
    public sealed class LoadedTorch
    {
        public LoadedTorch() => TorchLibrary.Load();
    }
}
