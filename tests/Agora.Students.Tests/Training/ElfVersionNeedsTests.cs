using System.Buffers.Binary;
using System.Text;
using Agora.Students.Training;

namespace Agora.Tests.Training;

public sealed class ElfVersionNeedsTests
{
    [Fact]
    public void Only_the_named_version_becomes_optional()
    {
        var image = Library("V_1", "V_2");
        Assert.True(ElfVersionNeeds.MakeWeak(image, "V_2"));
        Assert.Equal([0, 2], Flags(image));
    }

    [Fact]
    public void A_library_that_does_not_ask_for_the_version_stays_as_it_is()
    {
        var image = Library("V_1", "V_2");
        Assert.False(ElfVersionNeeds.MakeWeak(image, "V_3"));
        Assert.False(ElfVersionNeeds.MakeWeak(image, "V"));
        Assert.Equal(Library("V_1", "V_2"), image);
    }

    [Fact]
    public void What_is_no_library_or_points_outside_itself_is_refused()
    {
        Assert.Throws<BadImageFormatException>(() => ElfVersionNeeds.MakeWeak(new byte[200], "V_1"));
        Assert.Throws<BadImageFormatException>(() => ElfVersionNeeds.MakeWeak(Library("V_1", "V_2").AsSpan(0, 100), "V_1"));
    }

    private const int Needs = 0x40, Names = 0x80, Sections = 0xa0, SectionSize = 0x40;

    private static int[] Flags(byte[] image) => [BitConverter.ToUInt16(image, Needs + 16 + 4), BitConverter.ToUInt16(image, Needs + 32 + 4)];

    // The smallest such file: header, one Verneed with two Vernaux, its names, and the sections' two headers.
    private static byte[] Library(string first, string second)
    {
        var image = new byte[Sections + 2 * SectionSize];
        "\u007fELF\u0002\u0001"u8.CopyTo(image);
        Write64(0x28, Sections);
        Write16(0x3a, SectionSize);
        Write16(0x3c, 2);
        Write16(Needs + 2, 2);          // vn_cnt
        Write32(Needs + 8, 16);         // vn_aux
        Write32(Needs + 16 + 8, 1);     // vna_name
        Write32(Needs + 16 + 12, 16);   // vna_next
        Write32(Needs + 32 + 8, (uint)(first.Length + 2));
        Encoding.ASCII.GetBytes($"\0{first}\0{second}\0").CopyTo(image, Names);
        Write32(Sections + 4, 0x6ffffffe);
        Write64(Sections + 0x18, Needs);
        Write32(Sections + 0x28, 1);    // sh_link: the names' section
        Write32(Sections + 0x2c, 1);    // sh_info: libraries
        Write64(Sections + SectionSize + 0x18, Names);
        return image;

        void Write16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at), (ushort)value);
        void Write32(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at), value);
        void Write64(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(at), value);
    }
}
