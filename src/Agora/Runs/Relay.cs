namespace Agora.Runs;

/// <summary>Hands progress on in the thread and in the order in which it is reported; <see cref="Progress{T}"/> would do neither.</summary>
internal sealed class Relay<T>(Action<T> receive) : IProgress<T>
{
    public void Report(T value) => receive(value);
}
