function Test-BorgClusterAdministrator {
    <#
    .SYNOPSIS
    Tells whether the identity of this session is a local administrator with its full token.
    #>
    $principal = [System.Security.Principal.WindowsPrincipal]::new([System.Security.Principal.WindowsIdentity]::GetCurrent())
    return $principal.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
}
