using Agora.Experiments;

namespace Agora.SeedData;

/// <summary>Cuts a JSON array into its elements, holding one at a time.</summary>
/// <remarks>Only brackets and strings are followed, so that an element with a fault inside is a bad row and not the end of the file.</remarks>
internal static class JsonArraySlices
{
    /// <returns>The line each element begins on and its bytes, which are valid until the next element is asked for.</returns>
    /// <exception cref="AgoraException">The array is not closed, or something follows it; elements before that have been returned.</exception>
    public static IEnumerable<(int Line, ReadOnlyMemory<byte> Json)> Read(ByteWindow bytes, string file)
    {
        SkipWhiteSpace(bytes);
        bytes.Consume(1);   // the bracket that the caller has seen
        for (var first = true; ; first = false)
        {
            SkipWhiteSpace(bytes);
            var line = bytes.Line;
            var length = ElementLength(bytes, file);
            var closes = bytes.Unread.Span[length] == (byte)']';
            if (length > 0 || !closes || !first)
                yield return (line, bytes.Unread[..length]);
            bytes.Consume(length + 1);
            if (closes) break;
        }
        SkipWhiteSpace(bytes);
        if (!bytes.Unread.IsEmpty)
            throw new AgoraException("text follows the end of the JSON array", $"{file}:{bytes.Line}", "keep one array in the file, or write one object a line");
    }

    // Bytes up to the comma or bracket that ends the element, which is in the window when this returns.
    private static int ElementLength(ByteWindow bytes, string file)
    {
        var depth = 0;
        var inString = false;
        var escaped = false;
        for (var i = 0; ; i++)
        {
            while (i == bytes.Unread.Length)
            {
                if (bytes.AtEnd)
                    throw new AgoraException(inString ? "a string of this element is not closed" : "the JSON array is not closed", $"{file}:{bytes.Line}",
                        "mend the JSON, or fetch the file again if it was cut off");
                bytes.ReadMore();
            }
            if (escaped)
            {
                escaped = false;
                continue;
            }
            switch (bytes.Unread.Span[i])
            {
                case (byte)'\\' when inString:
                    escaped = true;
                    break;
                case (byte)'"':
                    inString = !inString;
                    break;
                case (byte)'{' or (byte)'[' when !inString:
                    depth++;
                    break;
                case (byte)'}' when !inString:
                    depth--;
                    break;
                case (byte)']' when !inString:
                    if (depth <= 0) return i;
                    depth--;
                    break;
                case (byte)',' when !inString && depth <= 0:
                    return i;
            }
        }
    }

    private static void SkipWhiteSpace(ByteWindow bytes)
    {
        while (true)
        {
            var content = bytes.Unread.Span.TrimStart(" \t\r\n"u8);
            bytes.Consume(bytes.Unread.Length - content.Length);
            if (!content.IsEmpty || bytes.AtEnd) return;
            bytes.ReadMore();
        }
    }
}
