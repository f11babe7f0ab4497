using System.Buffers.Binary;
using System.Text;

namespace Agora.Students.Training;

/// <summary>The symbol versions that a 64-bit little-endian ELF library asks of others (section .gnu.version_r).</summary>
/// <remarks>Layout: System V gABI and the Linux Standard Base, "Symbol Versioning": Elf64_Verneed and Elf64_Vernaux.</remarks>
internal static class ElfVersionNeeds
{
    private const uint SectionTypeVersionNeeds = 0x6ffffffe;    // SHT_GNU_verneed
    private const ushort WeakFlag = 2;                          // VER_FLG_WEAK: the loader accepts that the version is missing

    /// <summary>Marks one version as optional, in place.</summary>
    /// <returns>Whether the library asks for it at all.</returns>
    /// <exception cref="BadImageFormatException">Not such a library.</exception>
    public static bool MakeWeak(Span<byte> image, string version)
    {
        try
        {
            return Mark(image, Encoding.ASCII.GetBytes(version + "\0"));
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw new BadImageFormatException("the ELF file points outside itself", exception);
        }
    }

    private static bool Mark(Span<byte> image, ReadOnlySpan<byte> version)
    {
        if (!image.StartsWith("\u007fELF\u0002\u0001"u8))
            throw new BadImageFormatException("not a 64-bit little-endian ELF file");
        var sections = Offset(image, 0x28);
        var sectionSize = Half(image, 0x3a);
        var found = false;
        for (var i = 0; i < Half(image, 0x3c); i++)
        {
            var section = sections + i * sectionSize;
            if (Word(image, section + 4) != SectionTypeVersionNeeds)
                continue;
            var names = Offset(image, sections + (int)Word(image, section + 0x28) * sectionSize + 0x18);
            var need = Offset(image, section + 0x18);
            for (var library = 0u; library < Word(image, section + 0x2c); library++)
            {
                var entry = need + (int)Word(image, need + 8);
                for (var j = 0; j < Half(image, need + 2); j++)
                {
                    if (image[(names + (int)Word(image, entry + 8))..].StartsWith(version))
                    {
                        BinaryPrimitives.WriteUInt16LittleEndian(image[(entry + 4)..], (ushort)(Half(image, entry + 4) | WeakFlag));
                        found = true;
                    }
                    entry += (int)Word(image, entry + 12);
                }
                need += (int)Word(image, need + 12);
            }
        }
        return found;
    }

    private static ushort Half(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt16LittleEndian(image[at..]);

    private static uint Word(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt32LittleEndian(image[at..]);

    private static int Offset(ReadOnlySpan<byte> image, int at) => (int)BinaryPrimitives.ReadUInt64LittleEndian(image[at..]);
}
