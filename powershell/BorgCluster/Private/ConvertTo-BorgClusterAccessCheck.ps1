function ConvertTo-BorgClusterAccessCheck {
    <#
    .SYNOPSIS
    Tries something that needs a right, and reports whether it went well (an AccessCheck).
    .DESCRIPTION
    The block may return $true or $false; $null says that it can't be found out. An error says that the right is missing, but
    for one that says that this is the wrong system.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Right,

        [Parameter(Mandatory)]
        [scriptblock]
        $Test
    )

    $check = [ordered]@{ right = $Right; granted = $null; detail = $null }
    try {
        $check['granted'] = & $Test
    } catch [System.PlatformNotSupportedException], [System.Management.Automation.CommandNotFoundException] {
        $check['detail'] = [string] $_
    } catch {
        $check['granted'] = $false
        $check['detail'] = [string] $_
    }
    return $check
}
