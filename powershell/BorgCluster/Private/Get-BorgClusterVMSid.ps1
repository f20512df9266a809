function Get-BorgClusterVMSid {
    <#
    .SYNOPSIS
    Computes the SID of a virtual machine's own account, S-1-5-83-1-a-b-c-d, from its id.
    .DESCRIPTION
    The four numbers are the bytes of the GUID, as .NET orders them. So no name has to be looked up, which differs by language
    and is only known where the virtual machine is registered.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    $bytes = $VMId.ToByteArray()
    $numbers = @(foreach ($offset in @(0, 4, 8, 12)) { [System.BitConverter]::ToUInt32($bytes, $offset) })
    return 'S-1-5-83-1-' + ($numbers -join '-')
}
