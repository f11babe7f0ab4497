using TorchSharp;

namespace Agora.Students.Training;

/// <summary>Scalars that are still there when libtorch reads them.</summary>
/// <remarks>
/// TorchSharp turns a number into an object with a finalizer and hands only its pointer to libtorch, also for the invisible factor 1 of <c>a + b</c>.
/// Optimised code no longer counts the object as used by then, so that a collection on another thread can free it during the call ("Unknown scalar
/// type", or a wrong number). So whatever runs often takes its scalars from here, or holds them with <c>using</c>.
/// </remarks>
internal static class HeldScalars
{
    public static Scalar One { get; } = 1.ToScalar();
    public static Scalar MinusOne { get; } = (-1).ToScalar();
}
