function Get-BorgClusterResourceSettingChange {
    <#
    .SYNOPSIS
    Compares the settings of one of a role's two resources with what holds now, and lists the changes to make.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Wanted,

        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Current,

        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Resource,

        [Parameter(Mandatory)]
        [string]
        $Prefix
    )

    if ($null -eq $Wanted) {
        return
    }
    if ($null -eq $Resource) {
        @{ Setting = $Prefix; Kind = 'Refused'; Target = $null; Name = ''; Value = 'The role has no such resource.' }
        return
    }
    $table = @{
        Wanted = Get-BorgClusterProperty -InputObject $Wanted -Name 'parameters'
        Current = $Current['parameters']
        Prefix = "$Prefix.parameters"
        Kind = 'Parameter'
        Target = $Resource
    }
    Get-BorgClusterTableChange @table
    $table['Wanted'] = Get-BorgClusterProperty -InputObject $Wanted -Name 'properties'
    $table['Current'] = $Current['properties']
    $table['Prefix'] = "$Prefix.properties"
    $table['Kind'] = 'Property'
    Get-BorgClusterTableChange @table

    $owners = @{
        Wanted = @(Get-BorgClusterListMember -InputObject $Wanted -Name 'possible_owners')
        Current = $Current['possible_owners']
        Setting = "$Prefix.possible_owners"
        Target = $Resource
    }
    Get-BorgClusterOwnerChange @owners
    foreach ($name in @(Get-BorgClusterListMember -InputObject $Wanted -Name 'extra_dependencies')) {
        if ($name -notin $Current['extra_dependencies']) {
            @{ Setting = "$Prefix.extra_dependencies"; Kind = 'Dependency'; Target = $Resource; Name = ''; Value = $name }
        }
    }
}
