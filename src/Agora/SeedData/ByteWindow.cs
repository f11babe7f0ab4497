using System.Diagnostics.CodeAnalysis;
using Agora.Experiments;

namespace Agora.SeedData;

/// <summary>A window that moves over a stream of text and knows the line it stands on; memory grows with the longest row, not with the file.</summary>
internal sealed class ByteWindow(Stream stream, string file)
{
    private byte[] buffer = new byte[1 << 16];
    private int start;
    private int end;
    private int line = 1;

    /// <summary>What has been read and not yet been consumed.</summary>
    public ReadOnlyMemory<byte> Unread => buffer.AsMemory(start, end - start);

    public bool AtEnd { get; private set; }

    /// <summary>Line of the first unread byte, from 1.</summary>
    public int Line => line;

    /// <summary>Reads on. Memory handed out before is no longer valid.</summary>
    public void ReadMore()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }
        if (end == buffer.Length)
        {
            if (buffer.Length > Array.MaxLength / 2)
                throw new AgoraException($"a row is longer than {buffer.Length >> 20} MiB", $"{file}:{line}", "write one JSON object a line, or an array of objects");
            Array.Resize(ref buffer, buffer.Length * 2);
        }
        try
        {
            var read = stream.Read(buffer, end, buffer.Length - end);
            end += read;
            AtEnd = read == 0;
        }
        catch (InvalidDataException fault)
        {
            throw new AgoraException("the gzip data are damaged, cut off, or followed by something else", $"{file}:{line}", "fetch or compress the file again", fault);
        }
        catch (IOException fault)
        {
            throw new AgoraException($"the file cannot be read on: {fault.Message}", $"{file}:{line}", "check the disk", fault);
        }
    }

    public void Consume(int count)
    {
        line += buffer.AsSpan(start, count).Count((byte)'\n');
        start += count;
    }

    public void SkipByteOrderMark()
    {
        while (Unread.Length < 3 && !AtEnd) ReadMore();
        if (Unread.Span.StartsWith("\uFEFF"u8)) Consume(3);
    }

    /// <summary>Whether the first character that is not white space is <c>[</c>.</summary>
    public bool FirstIsBracket()
    {
        while (true)
        {
            var content = Unread.Span.TrimStart(" \t\r\n"u8);
            if (!content.IsEmpty) return content[0] == (byte)'[';
            if (AtEnd) return false;
            ReadMore();
        }
    }

    /// <param name="text">Without the line's end; valid until the next call.</param>
    public bool TryReadLine(out int number, [NotNullWhen(true)] out ReadOnlyMemory<byte> text)
    {
        var searched = 0;
        while (true)
        {
            var length = Unread.Span[searched..].IndexOf((byte)'\n');
            if (length >= 0)
            {
                number = line;
                text = Unread[..(searched + length)];
                Consume(searched + length + 1);
                return true;
            }
            searched = Unread.Length;
            if (AtEnd) break;
            ReadMore();
        }
        number = line;
        text = Unread;
        Consume(Unread.Length);
        return !text.IsEmpty;
    }
}
