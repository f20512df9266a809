function Find-BorgClusterParentResource {
    <#
    .SYNOPSIS
    Finds what a resource of a virtual machine is attached to; $null when it is not among those given.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Resource,

        [Parameter(Mandatory)]
        [object]
        $Child
    )

    $id = [string] (Get-BorgClusterProperty -InputObject $Child -Name 'Parent')
    if ($id -match 'InstanceID\s*=\s*"(.+)"') {
        # A WMI path, in which each backslash and quote has a backslash before it
        $id = $Matches[1] -replace '\\(.)', '$1'
    }
    foreach ($one in $Resource) {
        if ($id -ne '' -and [string] $one.InstanceID -eq $id -and $one.InstanceID -ne $Child.InstanceID) {
            return $one
        }
    }
    return $null
}
