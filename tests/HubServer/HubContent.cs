using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Agora.Tests.Hub;

/// <summary>A file on the hub: a block of bytes, repeated up to a length, so that a large one takes no memory.</summary>
public sealed class HubContent
{
    private readonly byte[] block;

    /// <param name="isLarge">Large files are named by their SHA-256 and lie on another host; small ones are named by git and lie on the hub itself.</param>
    public HubContent(byte[] block, long? length = null, bool isLarge = false)
    {
        this.block = block;
        Length = length ?? block.Length;
        IsLarge = isLarge;
        Sha256 = Hash(HashAlgorithmName.SHA256, "");
        ETag = isLarge ? Sha256 : Hash(HashAlgorithmName.SHA1, string.Create(CultureInfo.InvariantCulture, $"blob {Length}\0"));
    }

    public HubContent(string text, bool isLarge = false) : this(Encoding.UTF8.GetBytes(text), null, isLarge)
    {
    }

    /// <summary>Bytes that do not repeat within a megabyte.</summary>
    public static HubContent Large(long length, int seed = 1)
    {
        var block = new byte[(int)Math.Min(length, (1 << 20) + 7)];
        new Random(seed).NextBytes(block);
        return new HubContent(block, length, isLarge: true);
    }

    public long Length { get; }
    public bool IsLarge { get; }
    public string Sha256 { get; }
    public string ETag { get; }

    /// <summary>Bytes from a place on, as many as lie together.</summary>
    public ReadOnlyMemory<byte> At(long place, long most)
    {
        var start = (int)(place % block.Length);
        return block.AsMemory(start, (int)Math.Min(Math.Min(most, block.Length - start), Length - place));
    }

    private string Hash(HashAlgorithmName algorithm, string head)
    {
        using var hash = IncrementalHash.CreateHash(algorithm);
        hash.AppendData(Encoding.ASCII.GetBytes(head));
        for (long place = 0; place < Length;)
        {
            var part = At(place, Length - place);
            hash.AppendData(part.Span);
            place += part.Length;
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
