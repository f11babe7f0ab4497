using System.Buffers;
using System.Text.Json;

namespace Agora.Runs;

/// <summary>Where a thread writes the JSON of its next line.</summary>
internal static class LineBuffer
{
    private const int Largest = 1 << 16;    // that is kept for the next line

    [ThreadStatic]
    private static Utf8JsonWriter? writer;
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? bytes;

    /// <returns>Valid until the thread writes the next one.</returns>
    public static ReadOnlySpan<byte> Write<TState>(TState state, Action<Utf8JsonWriter, TState> write) where TState : allows ref struct
    {
        if (bytes is null || bytes.Capacity > Largest)
            writer = new Utf8JsonWriter(bytes = new ArrayBufferWriter<byte>(1024), new JsonWriterOptions { Encoder = CanonicalJson.Options.Encoder });
        bytes.ResetWrittenCount();
        writer!.Reset();
        write(writer, state);
        writer.Flush();
        return bytes.WrittenSpan;
    }
}
