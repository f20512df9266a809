function Get-BorgClusterIdentity {
    <#
    .SYNOPSIS
    Tells as whom the commands run: under a virtual account that is another than who connected.
    #>
    try {
        return [string] [System.Security.Principal.WindowsIdentity]::GetCurrent().Name
    } catch [System.PlatformNotSupportedException] {
        return [System.Environment]::UserDomainName + '\' + [System.Environment]::UserName
    }
}
